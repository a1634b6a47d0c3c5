package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.prefix.PrefixCache.Match;
import orrery.prefix.RetentionConfig.TokenRange;

/**
 * The tests that every prefix cache must pass, step by step; {@link PrefixWalk} adds a long random
 * run.
 */
abstract class PrefixCacheContract {
  static final KvLayout PLAIN = Shape.PLAIN.layout();

  /** Pool 0 keeps all, pool 1 a window of 5 tokens in pages of 4. */
  static final KvLayout WINDOWED = Shape.WINDOWED.layout();

  private static final int LIFE = 1_000; // operations of one cache in a walk

  /** Nanoseconds for the caches that are made. */
  final TestClock clock = new TestClock();

  abstract PrefixCache cache(KvCache kv);

  private final KvCache kv = new KvCache(PLAIN, 4, 64, 32);
  private PrefixCache cache;

  private PrefixCache cache() {
    cache = cache == null ? cache(kv) : cache;
    return cache;
  }

  /** Tokens first, first + 1, …; so sequences from the same start share prefixes. */
  static int[] tokens(int n) {
    return java.util.stream.IntStream.range(0, n).toArray();
  }

  /** The first {@code same} tokens of {@link #tokens}, then others. */
  static int[] diverging(int same, int n) {
    int[] t = tokens(n);
    for (int i = same; i < n; i++) {
      t[i] += 100;
    }
    return t;
  }

  private Played play(int... tokens) {
    return Played.begin(kv, cache(), tokens, "");
  }

  private int hit(int[] tokens) {
    return cache().match(tokens, (tokens.length - 1) / 4 * 4, "").tokens();
  }

  @Test
  void nothingIsHitInAnEmptyCache() {
    assertThat(cache().match(tokens(9), 8, "")).extracting(Match::tokens).isEqualTo(0);
    assertThat(play(tokens(9)).hit).isZero();
    assertThat(cache().blocks()).isZero();
  }

  @Test
  void completeBlocksAreHitWhileTheirMakerRunsAndAfterItEnded() {
    Played one = play(tokens(10));
    one.compute(10);
    assertThat(cache().blocks()).isEqualTo(2);
    assertThat(hit(tokens(10))).isEqualTo(8);
    Played two = play(tokens(10));
    assertThat(two.hit).isEqualTo(8);
    assertThat(two.pages(0)).isEqualTo(Arrays.copyOf(one.pages(0), 2));
    one.end();
    two.end();
    assertThat(hit(tokens(10))).isEqualTo(8);
    cache().check();
  }

  @Test
  void aHitIsPageAlignedAndLeavesSomethingToCompute() {
    Played one = play(tokens(13));
    one.compute(13);
    one.end();
    assertThat(hit(tokens(13))).isEqualTo(12);
    assertThat(hit(tokens(12))).isEqualTo(8); // all 12 are cached, but one row must be computed
    assertThat(hit(tokens(11))).isEqualTo(8);
    assertThat(hit(tokens(4))).isZero();
    assertThat(hit(diverging(11, 16))).isEqualTo(8);
    assertThat(hit(diverging(3, 16))).isZero();
    assertThat(cache().match(tokens(64), 4, "").tokens()).isEqualTo(4); // capped by the limit
  }

  @Test
  void blocksEnterAtTheEndOfEachChunkAndPartialOnesDoNot() {
    Played one = play(tokens(14));
    one.compute(3);
    assertThat(cache().blocks()).isZero();
    one.compute(7);
    assertThat(cache().blocks()).isEqualTo(1);
    assertThat(hit(tokens(14))).isEqualTo(4);
    one.compute(14);
    assertThat(cache().blocks()).isEqualTo(3);
    assertThat(cache().insert(one.lease, one.tokens, 14, one.table)).isZero(); // nothing new
  }

  @Test
  void sequencesThatDivergeShareTheirCommonBlocks() {
    Played one = play(tokens(17));
    one.compute(17);
    Played two = play(diverging(9, 17));
    assertThat(two.hit).isEqualTo(8);
    two.compute(17);
    assertThat(two.pages(0)[1]).isEqualTo(one.pages(0)[1]);
    assertThat(two.pages(0)[2]).isNotEqualTo(one.pages(0)[2]);
    assertThat(hit(tokens(17))).isEqualTo(16);
    assertThat(hit(diverging(9, 17))).isEqualTo(16);
    assertThat(cache().blocks()).isEqualTo(6);
    one.end();
    two.end();
    cache().check();
  }

  @Test
  void saltsIsolate() {
    Played one = play(tokens(9));
    one.compute(9);
    assertThat(cache().match(tokens(9), 8, "other").tokens()).isZero();
    Played two = Played.begin(kv, cache(), tokens(9), "other");
    assertThat(two.hit).isZero();
    two.compute(9);
    assertThat(two.pages(0)).doesNotContain(one.pages(0));
    assertThat(cache().match(tokens(9), 8, "other").tokens()).isEqualTo(8);
    assertThat(cache().match(tokens(9), 8, "third").tokens()).isZero();
  }

  @Test
  void equalSequencesComputedSideBySideKeepTheirRowsAndLoseNoPage() {
    Played one = play(tokens(9));
    Played two = play(tokens(9));
    one.compute(9);
    two.compute(9);
    cache().check();
    assertThat(hit(tokens(9))).isEqualTo(8);
    one.end();
    two.end();
    cache().check();
    cache().clear();
    assertThat(kv.pool(0).available()).isEqualTo(32);
  }

  @Test
  void matchCountsIdlePagesAndChangesNothing() {
    Played one = play(tokens(13));
    one.compute(13);
    assertThat(cache().match(tokens(13), 12, "").takes()).containsExactly(0);
    one.end();
    assertThat(cache().match(tokens(13), 12, "").takes()).containsExactly(3);
    assertThat(kv.pool(0).idle()).isEqualTo(3);
    Played two = play(diverging(9, 13));
    assertThat(cache().match(tokens(13), 12, "").takes()).containsExactly(1);
    two.end();
  }

  @Test
  void aSequenceThatEndsWithoutItsLastChunkLeavesOnlyWhatEnteredBefore() {
    Played one = play(tokens(21));
    one.compute(9);
    one.reserve(21); // cancelled while it computes: these blocks are never inserted
    one.end();
    assertThat(cache().blocks()).isEqualTo(2);
    assertThat(hit(tokens(21))).isEqualTo(8);
    assertThat(kv.pool(0).available()).isEqualTo(30);
  }

  @Test
  void aBlockThatARunningSequenceHoldsIsNeverEvicted() {
    Played one = play(tokens(9));
    one.compute(9);
    Played two = play(diverging(5, 9));
    two.compute(9);
    two.end();
    assertThat(kv.pool(0).idle()).isEqualTo(1);
    assertThat(cache().evict(0, 1)).isEqualTo(1); // the block that only sequence two had
    assertThat(hit(tokens(9))).isEqualTo(8);
    assertThat(hit(diverging(5, 9))).isEqualTo(4);
    cache().clear();
    assertThat(hit(tokens(9))).isEqualTo(8);
    one.end();
    cache().clear();
    assertThat(hit(tokens(9))).isZero();
    assertThat(cache().blocks()).isZero();
    assertThat(kv.pool(0).available()).isEqualTo(32);
  }

  @Test
  void tailsAreEvictedBeforeHeads() {
    Played one = play(tokens(17));
    one.compute(17);
    Played two = play(diverging(8, 17));
    two.compute(17);
    one.end();
    two.end();
    int evicted = 0;
    while (cache().blocks() > 2) {
      evicted += cache().evict(0, 1);
      cache().check();
      assertThat(hit(tokens(9))).as("the shared head").isEqualTo(8);
    }
    assertThat(evicted).isEqualTo(4);
    assertThat(cache().evict(0, 2)).isEqualTo(2);
  }

  @Test
  void aForkHoldsTheBlocksThatItsSiblingHolds() {
    Played one = play(tokens(10));
    one.compute(10);
    Played fork = one.fork();
    one.end();
    assertThat(cache().evict(0, 1)).isZero();
    fork.compute(10);
    int[] longer = Arrays.copyOf(tokens(10), 16);
    fork.tokens = longer;
    fork.compute(16);
    assertThat(cache().match(longer, 12, "").tokens()).isEqualTo(12);
    fork.end();
    cache().check();
  }

  /**
   * SGLang drops the lock on the window of a leaf as soon as decoding has moved past it ({@code
   * dec_swa_lock_only}), and keeps the lock on the other rows. Here a window's pages have
   * references of their own.
   */
  @Test
  void aWindowThatARunningSequenceHasPassedCanBeEvictedButNotItsOtherPages() {
    KvCache windowed = new KvCache(WINDOWED, 4, 64, 32);
    PrefixCache c = cache(windowed);
    Played one = Played.begin(windowed, c, tokens(40), "");
    one.decode(40); // the window reads the slots from 36 on
    assertThat(windowed.pool(0).idle()).isZero();
    assertThat(windowed.pool(1).idle()).isEqualTo(9);
    assertThat(c.evict(0, 1)).isZero();
    assertThat(c.evict(1, 9)).isEqualTo(9);
    assertThat(c.evict(1, 1)).isZero();
    assertThat(c.blocks()).isEqualTo(10);
    c.check();
    one.requireRows();
    one.end();
  }

  /**
   * sglang#25805: a page of the window went back and was taken by another request, and the first
   * request gave it back once more at its end.
   */
  @Test
  void aWindowPageThatWentBackAndWasTakenByAnotherSequenceIsNotGivenBackTwice() {
    for (boolean cached : new boolean[] {false, true}) {
      KvCache windowed = new KvCache(WINDOWED, new KvGeometry(WINDOWED, 4), 64, new int[] {16, 4});
      PrefixCache c = cached ? cache(windowed) : new NoPrefixCache(2);
      Played one = Played.begin(windowed, c, tokens(12), "");
      one.decode(12);
      int[] kept = one.pages(1);
      c.evict(1, windowed.pool(1).idle());
      Played two = Played.begin(windowed, c, diverging(0, 8), "");
      two.compute(8); // takes the pages that the first one has passed
      Played again = Played.begin(windowed, c, tokens(12), ""); // perhaps behind a hit
      again.end();
      one.end();
      for (int page : two.pages(1)) {
        assertThat(kept).doesNotContain(page);
        assertThat(windowed.pool(1).references(page)).isEqualTo(1);
      }
      two.requireRows();
      two.end();
      assertThatThrownBy(() -> windowed.pool(1).release(kept[0]))
          .isInstanceOf(IllegalStateException.class);
      c.check();
      c.clear();
      for (int pool = 0; pool < 2; pool++) {
        windowed.pool(pool).check();
        assertThat(windowed.pool(pool).available()).isEqualTo(windowed.pool(pool).total() - 1);
      }
    }
  }

  @Test
  void aTombstoneIsNoEndOfAHitButMayLieInTheMiddleOfOne() {
    KvCache windowed = new KvCache(WINDOWED, 4, 64, 32);
    PrefixCache c = cache(windowed);
    Played one = Played.begin(windowed, c, tokens(17), "");
    one.compute(9); // blocks 0 and 1; of the window only page 1 is still held, page 0 is idle
    one.compute(17);
    assertThat(c.match(tokens(17), 16, "").tokens()).isEqualTo(16);
    int evicted = c.evict(1, 2);
    assertThat(evicted).isEqualTo(2); // window pages of blocks 0 and 1; no sequence reads them now
    c.check();
    assertThat(c.blocks()).isEqualTo(4);
    assertThat(c.match(tokens(17), 16, "").tokens()).isEqualTo(16); // needs only the last 4 tokens
    assertThat(c.match(tokens(17), 12, "").tokens()).isEqualTo(12);
    assertThat(c.match(tokens(17), 8, "").tokens()).isZero(); // the hit would end at a tombstone
    Played two = Played.begin(windowed, c, tokens(17), "");
    assertThat(two.hit).isEqualTo(16);
    assertThat(two.table.first(0)).isZero();
    assertThat(two.table.first(1)).isEqualTo(3);
    two.compute(17);
    two.end();
    one.end();
    c.clear();
    assertThat(windowed.pool(0).available()).isEqualTo(32);
    assertThat(windowed.pool(1).available()).isEqualTo(32);
  }

  @Test
  void computingATombstonedBlockAgainMakesItLiveAgain() {
    KvCache windowed = new KvCache(WINDOWED, 4, 64, 32);
    PrefixCache c = cache(windowed);
    Played one = Played.begin(windowed, c, tokens(9), "");
    one.compute(9);
    one.end();
    assertThat(c.evict(1, 2)).isEqualTo(2);
    assertThat(c.match(tokens(9), 8, "").tokens()).isZero();
    Played two = Played.begin(windowed, c, tokens(9), "");
    assertThat(two.hit).isZero();
    two.compute(9);
    assertThat(c.match(tokens(9), 8, "").tokens()).isEqualTo(8);
    two.end();
    c.check();
  }

  @Test
  void aHitTakesOnlyTheWindowPagesThatItNeeds() {
    KvCache wide = new KvCache(WINDOWED, new KvGeometry(WINDOWED, 16), 64, new int[] {4, 16});
    PrefixCache c = cache(wide);
    Played one = Played.begin(wide, c, tokens(33), "");
    one.compute(33);
    one.end();
    Match match = c.match(tokens(33), 32, "");
    assertThat(match.tokens()).isEqualTo(32);
    assertThat(match.takes()).containsExactly(2, 1); // 4 tokens before 32: one page of 4
    Played two = Played.begin(wide, c, tokens(33), "");
    assertThat(two.table.first(1)).isEqualTo(7);
    two.end();
  }

  /**
   * A window of 40 in pages of 16: of a block's four pages, a hit at its end needs the last three.
   */
  private static final KvLayout WIDE =
      new KvLayout(List.of(Stream.whole("key", 1), new Stream("latent", 1, 1, 40, 39)));

  @Test
  void idleWindowPagesOfAHalfPassedBlockCanBeEvicted() {
    KvCache wide = new KvCache(WIDE, new KvGeometry(WIDE, 64), 192, new int[] {3, 12});
    PrefixCache c = cache(wide);
    Played one = Played.begin(wide, c, tokens(90), "");
    one.compute(64);
    one.compute(87); // the window reads the slots from 48 on: three of four pages have passed
    assertThat(wide.pool(1).idle()).isEqualTo(2);
    assertThat(c.evict(1, 2)).isEqualTo(2);
    c.check();
    one.compute(90);
    one.end();
    wide.pool(1).check();
  }

  /**
   * SGLang splits a leaf before a sequence locks it, so that the lock covers only the pages of a
   * window ({@code swa_radix_cache.py}). Without that, a prompt computed at once held as many
   * window pages as it was long, and so pushed other sequences out.
   */
  @Test
  void ofAPromptComputedAtOnceOnlyTheWindowsThatHitsNeedStayInTheCache() {
    KvCache wide = new KvCache(WIDE, new KvGeometry(WIDE, 64), 192, new int[] {3, 12});
    PrefixCache c = cache(wide);
    Played one = Played.begin(wide, c, tokens(190), "");
    one.compute(190); // 12 pages of the window, in one step
    assertThat(wide.pool(1).referenced()).as("its window: slots 151 to 189").isEqualTo(3);
    assertThat(wide.pool(1).idle()).as("of two blocks, three pages each").isEqualTo(6);
    assertThat(wide.pool(1).available()).isEqualTo(3);
    one.end();
    for (int hit = 64; hit <= 128; hit += 64) {
      assertThat(c.match(tokens(190), hit, "").tokens()).isEqualTo(hit);
    }
    c.check();
  }

  /** Found: with pages of several windows, no hit happened behind tokens computed one by one. */
  @Test
  void hitsBehindTokensComputedOneByOneAreAsLongAsBehindAPromptComputedAtOnce() {
    requireHits(8, 16, 64);
    requireHits(128, 256, 1024); // the shape of DeepSeek-V4
  }

  private void requireHits(int window, int p, int hit) {
    KvLayout layout =
        new KvLayout(
            List.of(Stream.whole("key", 1), new Stream("latent", 1, 1, window, window - 1)));
    KvGeometry g = new KvGeometry(layout, p);
    int[] pages = {2 * hit / p, 2 * g.pages(1, hit)};
    for (boolean oneByOne : new boolean[] {false, true}) {
      KvCache kv = new KvCache(layout, g, 2 * hit, pages);
      PrefixCache c = cache(kv);
      Played one = Played.begin(kv, c, tokens(hit + 1), "");
      if (oneByOne) {
        one.decode(hit + 1);
      } else {
        one.compute(hit + 1);
      }
      one.end();
      c.check();
      for (int n = p; n <= hit; n += p) {
        Match match = c.match(tokens(hit + 1), n, "");
        assertThat(match.tokens())
            .as("P %d, window %d, one by one %s", p, window, oneByOne)
            .isEqualTo(n);
      }
      Played two = Played.begin(kv, c, tokens(hit + 1), ""); // checks the rows of the hit
      two.decode(hit + 1);
      two.end();
    }
  }

  /** Found: asked for one page more than there was, four went, and all blocks with them. */
  @Test
  void askingForMoreThanCanBeFreedFreesNothing() {
    KvCache windowed = new KvCache(WINDOWED, 4, 64, 32);
    PrefixCache c = cache(windowed);
    Played one = Played.begin(windowed, c, tokens(17), "");
    one.compute(17);
    one.end();
    for (int pool = 0; pool < 2; pool++) {
      assertThat(windowed.pool(pool).idle()).isEqualTo(4);
      assertThat(c.evict(pool, 5)).isZero();
    }
    assertThat(c.blocks()).isEqualTo(4);
    assertThat(c.match(tokens(17), 16, "").tokens()).isEqualTo(16);
    assertThat(c.evict(1, 4)).isEqualTo(4);
    assertThat(c.blocks()).isEqualTo(4);
  }

  /** The six pages that hits need go one after the other: first those that the window passed. */
  @Test
  void aBlockThatLostAPageServesAllHitsThatDoNotNeedIt() {
    KvCache wide = new KvCache(WIDE, new KvGeometry(WIDE, 64), 192, new int[] {3, 12});
    PrefixCache c = cache(wide);
    Played one = Played.begin(wide, c, tokens(129), "");
    one.compute(129);
    one.end();
    for (int gone = 0; gone <= 6; gone++) {
      assertThat(c.match(tokens(129), 64, "").tokens())
          .as("%d gone", gone)
          .isEqualTo(gone == 0 ? 64 : 0);
      assertThat(c.match(tokens(129), 128, "").tokens())
          .as("%d gone", gone)
          .isEqualTo(gone <= 3 ? 128 : 0);
      assertThat(c.blocks()).isEqualTo(2);
      assertThat(c.evict(1, 1)).isEqualTo(gone < 6 ? 1 : 0);
      c.check();
    }
  }

  /** A state of which a prefix needs less than the window keeps, or nothing. */
  @Test
  void aForkRightBehindAHitThatNeedsLittleHasItsOwnRows() {
    for (int[] state : new int[][] {{8, 0}, {12, 4}}) { // keeps, needs
      KvLayout layout =
          new KvLayout(
              List.of(Stream.whole("key", 1), new Stream("state", 1, 1, state[0], state[1])));
      KvCache hybrid = new KvCache(layout, 16, 64, 8);
      PrefixCache c = cache(hybrid);
      Played one = Played.begin(hybrid, c, tokens(20), "");
      one.decode(20);
      one.end();
      Played two = Played.begin(hybrid, c, tokens(20), "");
      assertThat(two.hit).isEqualTo(16);
      two.compute(17);
      assertThat(two.table.first(1)).isGreaterThan(hybrid.geometry().passed(1, 17));
      Played fork = two.fork();
      two.decode(20);
      fork.tokens = diverging(18, 40);
      fork.decode(40);
      two.end();
      fork.end();
      c.check();
      c.clear();
      assertThat(hybrid.pool(1).available()).isEqualTo(16);
    }
  }

  /** A drafter that lags has rows of complete-looking blocks still to write. */
  @Test
  void onlyBlocksWithAllRowsWrittenEnterAndAreSharedByForks() {
    KvCache hybrid = new KvCache(Shape.HYBRID.layout(), 8, 64, 16);
    PrefixCache c = cache(hybrid);
    Played one = Played.begin(hybrid, c, tokens(40), "");
    one.compute(26, 15);
    assertThat(c.blocks()).isEqualTo(1);
    assertThat(c.match(tokens(40), 32, "").tokens()).isEqualTo(8);
    Played fork = one.fork();
    assertThat(fork.pages(0)[0]).isEqualTo(one.pages(0)[0]);
    assertThat(fork.pages(0)[1]).isNotEqualTo(one.pages(0)[1]);
    one.compute(30, 30); // both write the late rows, each its own
    fork.compute(30, 30);
    c.check();
    assertThat(c.match(tokens(40), 32, "").tokens()).isEqualTo(24);
    one.end();
    fork.end();
    c.check();
  }

  /** Without a pool that holds all rows, blocks that have lost their last page would pile up. */
  @Test
  void blocksWithoutPagesAreForgottenOnceNoBlockStandsOnThem() {
    KvLayout layout = new KvLayout(List.of(new Stream("latent", 1, 1, 4, 3)));
    KvCache window = new KvCache(layout, 4, 64, 8);
    PrefixCache c = cache(window);
    for (int first = 0; first < 50; first++) {
      int[] tokens = diverging(first % 5, 21);
      tokens[20] = first;
      Played s = Played.begin(window, c, tokens, "");
      for (int to = s.computed + 1; to <= 21; to++) {
        int missing = s.wants(0, to) - window.pool(0).available();
        assertThat(c.evict(0, Math.max(0, missing))).isGreaterThanOrEqualTo(missing);
        s.compute(to);
      }
      s.end();
      c.check();
    }
    assertThat(c.blocks()).isLessThanOrEqualTo(8 * 5); // each page, and the blocks before it
    c.evict(0, window.pool(0).idle());
    assertThat(c.blocks()).isZero();
  }

  /**
   * Its pages had gone before the sequence ended, so no eviction comes that could take it along.
   */
  @Test
  void aBlockWithoutPagesIsForgottenWithTheLastSequenceThatHoldsIt() {
    KvLayout layout = new KvLayout(List.of(new Stream("latent", 1, 1, 4, 3)));
    KvCache window = new KvCache(layout, 16, 64, 8);
    PrefixCache c = cache(window);
    Played one = Played.begin(window, c, tokens(24), "");
    one.compute(24);
    assertThat(c.evict(0, 1)).isEqualTo(1); // the window has passed the whole block
    assertThat(c.blocks()).isEqualTo(1);
    one.end();
    assertThat(c.blocks()).isZero();
    c.check();
  }

  /**
   * A million operations on one and the same cache of each shape, and not {@value #LIFE} on each:
   * {@code -Dorrery.walk=1000000 -Dorrery.walk.life=1000000}.
   */
  /** Two blocks and a token of a sequence that begins with {@code first}, computed and ended. */
  private void keep(int first, Retentions retentions) {
    Played s = Played.begin(kv, cache(), starting(first), "", retentions);
    s.compute(9);
    s.end();
  }

  private static int[] starting(int first) {
    int[] tokens = tokens(9);
    tokens[0] = first;
    return tokens;
  }

  private static Retentions all(Retention retention) {
    return new RetentionConfig(List.of(TokenRange.from(0, retention)), Optional.empty()).over(9);
  }

  /** Blocks that are left of sequences A, B and so on, after one more was evicted each time. */
  private String evicting(String sequences) {
    Set<String> states = new LinkedHashSet<>();
    while (kv.pool(0).idle() > 0) {
      cache().evict(0, 1);
      StringBuilder left = new StringBuilder();
      for (char first : sequences.toCharArray()) {
        left.append(hit(starting(first)) / 4);
      }
      states.add(left.toString());
    }
    return String.join(" ", states);
  }

  /** The evictions in which each goes as a whole or block by block, from the tail on. */
  private static void requireOrder(String left, String whole, String byBlock) {
    if (!left.equals(whole) && !left.equals(byBlock)) {
      throw new AssertionError("evictions left " + left + ", expected " + whole + " or " + byBlock);
    }
  }

  @Test
  void lowestPriorityIsEvictedFirst() {
    keep('A', all(new Retention(90)));
    keep('B', Retentions.NONE);
    keep('C', all(new Retention(0)));
    requireOrder(evicting("ABC"), "220 200 000", "221 220 210 200 100 000");
  }

  @Test
  void aHitThatSaysNothingLeavesAPriorityAsItIs() {
    keep('A', all(new Retention(90)));
    keep('B', Retentions.NONE);
    keep('A', Retentions.NONE);
    keep('B', Retentions.NONE);
    requireOrder(evicting("AB"), "20 00", "21 20 10 00");
  }

  @Test
  void theLastWordAboutABlockCounts() {
    keep('A', all(new Retention(90)));
    keep('B', Retentions.NONE);
    keep('A', all(new Retention(10)));
    requireOrder(evicting("AB"), "02 00", "12 02 01 00");
  }

  @Test
  void aPriorityLastsForItsTimeFromTheEndOfTheFirstRequestThatHasIt() {
    Retention minute = new Retention(90).lasting(Duration.ofMinutes(1));
    Played a = Played.begin(kv, cache(), starting('A'), "", all(minute));
    a.compute(9);
    clock.pass(Duration.ofMinutes(5).toNanos()); // a long answer
    a.end();
    keep('B', Retentions.NONE);
    clock.pass(Duration.ofSeconds(59).toNanos());
    cache().evict(0, 1);
    assertThat(hit(starting('A'))).isEqualTo(8);
    assertThat(hit(starting('B'))).isLessThan(8);
    keep('B', Retentions.NONE);
    clock.pass(Duration.ofSeconds(1).toNanos());
    cache().evict(0, 1);
    assertThat(hit(starting('A'))).isLessThan(8);
    assertThat(hit(starting('B'))).isEqualTo(8);
    cache().check();
  }

  @Test
  void aHitDoesNotBeginTheTimeOfAPriorityAnew() {
    keep('A', all(new Retention(90).lasting(Duration.ofMinutes(1))));
    clock.pass(Duration.ofSeconds(40).toNanos());
    keep('A', Retentions.NONE);
    keep('B', Retentions.NONE);
    keep('B', Retentions.NONE); // as many hits as A has
    clock.pass(Duration.ofSeconds(40).toNanos());
    requireOrder(evicting("AB"), "02 00", "12 02 01 00");
  }

  /** Of a prompt of two blocks, the first one is worth more; then comes a block of the answer. */
  @Test
  void eachBlockFollowsWhatIsSaidAboutItsFirstToken() {
    RetentionConfig config =
        new RetentionConfig(
            List.of(TokenRange.of(0, 3, new Retention(90))), Optional.of(new Retention(10)));
    Played a = Played.begin(kv, cache(), Arrays.copyOf(starting('A'), 14), "", config.over(8));
    a.compute(8);
    a.decode(13);
    a.end();
    Played b = play(starting('B'));
    b.compute(5);
    b.end();
    StringBuilder left = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      cache().evict(0, 1);
      left.append(hit(Arrays.copyOf(starting('A'), 14)) / 4).append(hit(starting('B')) / 4);
      left.append(' ');
    }
    assertThat(left).hasToString("21 11 10 00 ");
  }

  @Test
  void whatStandsBeforeABlockIsKeptAsLongAsTheBlock() {
    RetentionConfig config =
        new RetentionConfig(
            List.of(TokenRange.from(0, new Retention(0))), Optional.of(new Retention(90)));
    Played a = Played.begin(kv, cache(), starting('A'), "", config.over(4));
    a.compute(9);
    a.end();
    keep('B', Retentions.NONE);
    requireOrder(evicting("AB"), "20 10 00", "21 20 10 00");
  }

  /** The worked example of docs/prefix-cache.md. */
  @Test
  void blocksOfAChatGoInTheOrderOfTheChapter() {
    assertThat(chapter(Duration.ofSeconds(29)))
        .isIn("42 40 20 00", "42 41 40 30 20 10 00"); // nodes, blocks
    assertThat(chapter(Duration.ofSeconds(30))).isIn("42 22 20 00", "42 32 22 21 20 10 00");
  }

  private String chapter(Duration later) {
    KvCache wide = new KvCache(PLAIN, 16, 96, 16);
    PrefixCache c = cache(wide);
    RetentionConfig config =
        new RetentionConfig(
            List.of(
                TokenRange.of(0, 32, new Retention(90)),
                TokenRange.from(32, new Retention(60).lasting(Duration.ofSeconds(30)))),
            Optional.of(new Retention(10)));
    Played one = Played.begin(wide, c, tokens(84), "", config.over(60));
    one.compute(60);
    one.decode(83);
    one.end();
    Played two = Played.begin(wide, c, diverging(0, 33), "");
    two.compute(33);
    two.end();
    clock.pass(later.toNanos());
    StringBuilder left = new StringBuilder();
    while (wide.pool(0).idle() > 0) {
      c.evict(0, 1);
      left.append(c.match(tokens(84), 80, "").tokens() / 16);
      left.append(c.match(diverging(0, 33), 32, "").tokens() / 16).append(' ');
    }
    return left.toString().trim();
  }

  /** The window's pages of A are older, but worth more. */
  @Test
  void singlePagesOfAWindowAreEvictedByPriorityToo() {
    KvCache windowed = new KvCache(WINDOWED, 4, 64, 32);
    PrefixCache c = cache(windowed);
    for (int first : new int[] {'A', 'B'}) {
      Retentions r = first == 'A' ? all(new Retention(90)) : Retentions.NONE;
      Played s = Played.begin(windowed, c, starting(first), "", r);
      s.compute(9);
      s.end();
    }
    c.evict(1, 2);
    assertThat(c.match(starting('A'), 8, "").tokens()).isEqualTo(8);
    assertThat(c.match(starting('B'), 8, "").tokens()).isZero();
    c.check();
  }

  @Test
  void theRandomWalkAgreesWithAPlainModelOfWhatIsCached() {
    int life = Integer.getInteger("orrery.walk.life", LIFE);
    for (Shape shape : Shape.ALL) {
      long begin = System.nanoTime();
      PrefixWalk walk = new PrefixWalk(shape, life, this::cache, clock, 7);
      walk.run(walkOperations());
      System.out.printf(
          "%s, %s: %s, %.1f s%n",
          getClass().getSimpleName(),
          shape.name(),
          walk.summary(),
          (System.nanoTime() - begin) / 1e9);
      walk.requireEventful();
    }
  }

  /** Of each shape; all caches together make a million. */
  int walkOperations() {
    return Integer.getInteger("orrery.walk", 60_000);
  }
}
