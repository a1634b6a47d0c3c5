package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import orrery.quantization.RowFormat;

/** Which pages a sequence holds after each operation, and which rows they contain. */
class KvCacheTest {
  static final KvLayout PLAIN =
      new KvLayout(List.of(Stream.whole("key", 3), Stream.whole("value", 5)));

  /** Streams of three lifetimes in mixed order: pools 0 (all), 1 (window 8) and 2 (window 4). */
  static final KvLayout MIXED =
      new KvLayout(
          List.of(
              Stream.whole("key", 2),
              new Stream("latent", 3, 1, 8, 7),
              Stream.whole("value", 1),
              new Stream("state", 1, 1, 4, 3),
              new Stream("latent 2", 1, 1, 8, 7)));

  private static int[] held(PageTable t, int pool) {
    return Arrays.copyOfRange(t.pages(pool), t.first(pool), t.end(pool));
  }

  private static void fill(KvCache kv, float value) {
    for (int s = 0; s < kv.layout().streams().size(); s++) {
      Arrays.fill(kv.rows(s).floats(), value);
    }
  }

  /** The rows of a page in one stream. */
  private static float[] rows(KvCache kv, int stream, int page) {
    Stream s = kv.layout().streams().get(stream);
    int size = Math.max(1, kv.spanOf(stream) / s.tokensPerRow()) * s.width();
    return Arrays.copyOfRange(kv.rows(stream).floats(), page * size, (page + 1) * size);
  }

  private static void assertAllNaN(KvCache kv, int pool, int page) {
    for (int s = 0; s < kv.layout().streams().size(); s++) {
      if (kv.layout().poolOf(s) == pool) {
        for (float f : rows(kv, s, page)) {
          assertThat(f).as("stream %d, page %d", s, page).isNaN();
        }
      }
    }
  }

  @Test
  void aSequenceGetsPagesUpToTheSlotItNeedsAndNoMore() {
    KvCache kv = new KvCache(PLAIN, 4, 20, 6);
    PageTable t = kv.newTable();
    kv.reserve(t, 1);
    assertThat(held(t, 0)).containsExactly(1);
    kv.reserve(t, 4);
    assertThat(kv.pool(0).available()).isEqualTo(5);
    kv.reserve(t, 5);
    kv.reserve(t, 3); // reserving fewer slots gives nothing back
    assertThat(held(t, 0)).containsExactly(1, 2);
    kv.release(t);
    assertThat(t.end(0)).isZero();
    assertThat(kv.pool(0).available()).isEqualTo(6);
    kv.release(t); // an empty table has no page to release
    assertThat(kv.pool(0).available()).isEqualTo(6);
  }

  @Test
  void theHeadOfAReleasedSequenceIsReusedLast() {
    KvCache kv = new KvCache(PLAIN, 1, 4, 4);
    PageTable t = kv.newTable();
    kv.reserve(t, 3);
    kv.release(t);
    kv.reserve(t, 3);
    assertThat(held(t, 0)).containsExactly(1, 2, 3);
  }

  @Test
  void aSequenceLongerThanTheCacheHoldsIsRefusedBeforeAnyPageIsTaken() {
    KvCache kv = new KvCache(PLAIN, 4, 10, 100);
    PageTable t = kv.newTable();
    assertThatThrownBy(() -> kv.reserve(t, 11))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sequence of 11 slots: this cache holds at most 10");
    assertThat(kv.pool(0).available()).isEqualTo(100);
    kv.reserve(t, 10); // 10 slots need 3 pages of 4, though 12 would be too long
    assertThat(held(t, 0)).hasSize(3);
    assertThat(kv.maxSlots()).isEqualTo(10);
  }

  @Test
  void anExhaustedCacheLosesNoPage() {
    KvCache kv = new KvCache(MIXED, 2, 20, 3);
    PageTable one = kv.newTable();
    PageTable two = kv.newTable();
    kv.reserve(one, 4);
    assertThatThrownBy(() -> kv.reserve(two, 4))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no free page: of 4 are 3 referenced, 0 idle");
    kv.release(two);
    assertThat(kv.pool(0).available()).isEqualTo(1);
    kv.release(one);
    for (int pool = 0; pool < 3; pool++) {
      assertThat(kv.pool(pool).available()).isEqualTo(3);
      kv.pool(pool).check();
    }
  }

  @Test
  void trimTakesBackWhatIsBeyondTheSlotsAndKeepsPassedPagesPassed() {
    KvCache kv = new KvCache(MIXED, 4, 40, 10);
    PageTable t = kv.newTable();
    kv.reserve(t, 40);
    fill(kv, 1);
    kv.pass(t, 30); // window 4: pages before slot 27 - 3 are passed
    int[] before = t.pages(0).clone();
    kv.trim(t, 33);
    assertThat(held(t, 0)).containsExactly(Arrays.copyOf(before, 9));
    assertThat(t.first(2)).isEqualTo(6);
    assertThat(held(t, 2)).hasSize(3);
    assertAllNaN(kv, 0, before[9]);
    assertThat(rows(kv, 0, before[8])).containsOnly(1f);
    kv.trim(t, 36); // no page lies beyond
    assertThat(held(t, 0)).hasSize(9);
    kv.trim(t, 0);
    for (int pool = 0; pool < 3; pool++) {
      assertThat(t.end(pool)).isZero();
      assertThat(t.first(pool)).isZero();
      assertThat(kv.pool(pool).available()).isEqualTo(10);
    }
    kv.reserve(t, 5);
    assertThat(held(t, 2)).hasSize(2).doesNotContain(PagePool.DUMMY);
  }

  /** Walks a sequence token by token and checks the exact moment at which each window page goes. */
  @Test
  void aWindowPageIsReleasedExactlyAsSoonAsNoLaterTokenCanSeeIt() {
    for (int p : new int[] {1, 2, 4, 8, 16}) {
      KvCache kv = new KvCache(MIXED, p, 64, 64 / p);
      PageTable t = kv.newTable();
      for (int committed = 1; committed <= 64; committed++) {
        kv.reserve(t, committed);
        kv.pass(t, committed);
        for (int pool = 0; pool < 3; pool++) {
          int keeps = kv.geometry().keeps(pool);
          int span = kv.geometry().span(pool);
          // The next token, at slot `committed`, reads the slots from committed - keeps + 1 on.
          int oldest = keeps == Stream.ALL ? 0 : Math.max(0, committed - keeps + 1);
          String as = "P " + p + ", pool " + pool + ", committed " + committed;
          assertThat(t.first(pool)).as(as).isEqualTo(Math.min(oldest / span, t.end(pool)));
          assertThat(kv.pool(pool).referenced()).as(as).isEqualTo(t.end(pool) - t.first(pool));
          for (int i = 0; i < t.first(pool); i++) {
            assertThat(t.pages(pool)[i]).isEqualTo(PagePool.DUMMY);
          }
        }
      }
    }
  }

  @Test
  void aPassedPageThatTheCacheKeepsStaysReadableAndIsIdle() {
    KvCache kv = new KvCache(MIXED, 4, 16, 4);
    PageTable t = kv.newTable();
    kv.reserve(t, 8);
    fill(kv, 2);
    int kept = t.pages(2)[0];
    kv.pool(2).keep(kept, 35);
    kv.pass(t, 8);
    assertThat(kv.pool(2).idle()).isEqualTo(1);
    assertThat(rows(kv, 3, kept)).containsOnly(2f);
    kv.evict(2, kept);
    assertAllNaN(kv, 2, kept);
    assertThat(kv.pool(2).available()).isEqualTo(3);
  }

  @Test
  void freshAndReleasedPagesAreNaNSoThatAStaleReadShows() {
    assertThat(KvCacheTest.class.desiredAssertionStatus()).isTrue();
    KvCache kv = new KvCache(MIXED, 2, 8, 4);
    for (int pool = 0; pool < 3; pool++) {
      for (int page = 0; page < kv.pool(pool).total(); page++) {
        assertAllNaN(kv, pool, page);
      }
    }
    PageTable kept = kv.newTable();
    PageTable gone = kv.newTable();
    kv.reserve(kept, 2);
    kv.reserve(gone, 4);
    fill(kv, 1);
    int[][] freed = {held(gone, 0), held(gone, 1), held(gone, 2)};
    kv.release(gone);
    for (int pool = 0; pool < 3; pool++) {
      for (int page : freed[pool]) {
        assertAllNaN(kv, pool, page);
      }
    }
    for (int s = 0; s < 5; s++) {
      assertThat(rows(kv, s, kept.pages(MIXED.poolOf(s))[0])).containsOnly(1f);
    }
  }

  @Test
  void aForkSharesCompletePagesAndCopiesThePartialOne() {
    KvCache kv = new KvCache(MIXED, 4, 40, 20);
    PageTable from = kv.newTable();
    kv.reserve(from, 18);
    for (int s = 0; s < 5; s++) {
      for (int i = 0; i < kv.rows(s).floats().length; i++) {
        kv.rows(s).floats()[i] = i;
      }
    }
    kv.pass(from, 18);
    PageTable fork = kv.fork(from, 18, 18);
    for (int pool = 0; pool < 3; pool++) {
      assertThat(kv.forkPages(pool, from, 18, 18)).isEqualTo(1);
      assertThat(fork.first(pool)).isEqualTo(from.first(pool));
      assertThat(fork.end(pool)).isEqualTo(5);
      assertThat(Arrays.copyOfRange(fork.pages(pool), fork.first(pool), 4))
          .isEqualTo(Arrays.copyOfRange(from.pages(pool), fork.first(pool), 4));
      assertThat(fork.pages(pool)[4]).isNotEqualTo(from.pages(pool)[4]);
      assertThat(kv.pool(pool).references(fork.pages(pool)[4])).isEqualTo(1);
      assertThat(kv.pool(pool).references(from.pages(pool)[3])).isEqualTo(2);
    }
    for (int s = 0; s < 5; s++) {
      int pool = MIXED.poolOf(s);
      assertThat(rows(kv, s, fork.pages(pool)[4])).isEqualTo(rows(kv, s, from.pages(pool)[4]));
    }
    kv.release(from);
    assertThat(rows(kv, 0, fork.pages(0)[0])).doesNotContain(Float.NaN);
    kv.release(fork);
    for (int pool = 0; pool < 3; pool++) {
      assertThat(kv.pool(pool).available()).isEqualTo(20);
    }
  }

  @Test
  void aForkAtAPageEndTakesNoPage() {
    KvCache kv = new KvCache(MIXED, 4, 16, 4);
    PageTable from = kv.newTable();
    kv.reserve(from, 16);
    kv.pass(from, 16);
    int[] free = IntStream.range(0, 3).map(p -> kv.pool(p).available()).toArray();
    PageTable fork = kv.fork(from, 16, 16);
    for (int pool = 0; pool < 3; pool++) {
      assertThat(kv.forkPages(pool, from, 16, 16)).isZero();
      assertThat(held(fork, pool)).isEqualTo(held(from, pool));
      assertThat(kv.pool(pool).available()).isEqualTo(free[pool]);
    }
  }

  /** A hit may need less than the window keeps; then its table begins behind the passed pages. */
  @Test
  void aForkOfASequenceBehindAHitBeginsWhereItsParentDoes() {
    KvLayout layout = new KvLayout(List.of(Stream.whole("k", 1), new Stream("s", 1, 1, 8, 0)));
    KvCache kv = new KvCache(layout, 16, 64, 4);
    PageTable first = kv.newTable();
    kv.reserve(first, 16);
    PageTable hit = kv.newTable();
    kv.share(hit, 0, first.pages(0)[0]);
    kv.skip(hit, 1, kv.geometry().unneeded(1, 16));
    kv.reserve(hit, 18);
    assertThat(hit.first(1)).isEqualTo(2).isGreaterThan(kv.geometry().passed(1, 17));
    assertThat(kv.forkPages(1, hit, 17, 17)).isEqualTo(1);
    PageTable fork = kv.fork(hit, 17, 17);
    assertThat(fork.first(1)).isEqualTo(2);
    assertThat(held(fork, 1)).hasSize(1).doesNotContain(PagePool.DUMMY);
    assertThat(fork.pages(0)[0]).isEqualTo(first.pages(0)[0]);
  }

  /** Rows of later blocks are still to be written, by parent and fork each for itself. */
  @Test
  void aForkSharesOnlyBlocksWithRowsThatAreAllWritten() {
    KvCache kv = new KvCache(PLAIN, 4, 40, 20);
    PageTable from = kv.newTable();
    kv.reserve(from, 14);
    assertThat(kv.forkPages(0, from, 14, 9)).isEqualTo(2);
    PageTable fork = kv.fork(from, 14, 9);
    assertThat(held(fork, 0)).hasSize(4);
    for (int i = 0; i < 4; i++) {
      assertThat(fork.pages(0)[i] == from.pages(0)[i]).as("page %d", i).isEqualTo(i < 2);
    }
  }

  /** If it were shared, two different blocks of a prefix cache would both own the small page. */
  @Test
  void aForkSharesNoPageOfAnIncompleteBlockEvenIfTheSmallPageIsComplete() {
    KvCache kv = new KvCache(MIXED, 16, 64, 8);
    PageTable from = kv.newTable();
    kv.reserve(from, 28); // block 1 holds 12 tokens: 3 pages of pool 2, 2 of pool 1
    kv.pass(from, 28); // pool 2 keeps the slots from 25 on, pool 1 those from 21 on
    PageTable fork = kv.fork(from, 28, 28);
    assertThat(kv.forkPages(1, from, 28, 28)).isEqualTo(2);
    assertThat(kv.forkPages(2, from, 28, 28)).isEqualTo(1);
    for (int pool = 1; pool < 3; pool++) {
      assertThat(held(fork, pool)).hasSameSizeAs(held(from, pool));
      assertThat(held(fork, pool)).doesNotContain(held(from, pool));
    }
    assertThat(fork.pages(0)[0]).isEqualTo(from.pages(0)[0]);
    assertThat(fork.pages(0)[1]).isNotEqualTo(from.pages(0)[1]);
  }

  @Test
  void aReplacedPageGoesBackAndTheEqualOneIsHeldTwice() {
    KvCache kv = new KvCache(PLAIN, 2, 8, 8);
    PageTable one = kv.newTable();
    PageTable two = kv.newTable();
    kv.reserve(one, 4);
    kv.reserve(two, 4);
    fill(kv, 1);
    int own = two.pages(0)[1];
    int other = one.pages(0)[1];
    kv.replace(two, 0, 1, other);
    assertThat(two.pages(0)[1]).isEqualTo(other);
    assertThat(kv.pool(0).references(other)).isEqualTo(2);
    assertThat(kv.pool(0).references(own)).isZero();
    assertAllNaN(kv, 0, own);
    assertThat(rows(kv, 0, other)).containsOnly(1f);
  }

  @Test
  void sharedAndSkippedPagesMakeTheTableOfAHit() {
    KvCache kv = new KvCache(MIXED, 4, 32, 8);
    PageTable one = kv.newTable();
    kv.reserve(one, 16);
    PageTable hit = kv.newTable();
    kv.skip(hit, 2, 3);
    assertThat(hit.first(2)).isEqualTo(3);
    assertThat(hit.end(2)).isEqualTo(3);
    kv.share(hit, 2, one.pages(2)[3]);
    assertThat(held(hit, 2)).containsExactly(one.pages(2)[3]);
    assertThat(kv.pool(2).references(one.pages(2)[3])).isEqualTo(2);
    kv.release(one);
    assertThat(kv.pool(2).available()).isEqualTo(7);
    kv.release(hit);
    assertThat(hit.first(2)).isZero();
    assertThat(kv.pool(2).available()).isEqualTo(8);
  }

  @Test
  void streamsThatLiveEquallyLongShareAPoolAndOthersDoNot() {
    assertThat(MIXED.pools()).containsExactly(Stream.ALL, 8, 4);
    assertThat(IntStream.range(0, 5).map(MIXED::poolOf).toArray()).containsExactly(0, 1, 0, 2, 1);
    KvCache kv = new KvCache(MIXED, 16, 32, 2);
    assertThat(IntStream.range(0, 5).map(kv::spanOf).toArray()).containsExactly(16, 8, 16, 4, 8);
    // All pools hold the same number of tokens, and one dummy page each.
    assertThat(IntStream.range(0, 3).map(p -> kv.pool(p).total()).toArray())
        .containsExactly(3, 5, 9);
    assertThat(kv.rows(1).floats()).hasSize(5 * 8 * 3);
  }

  @Test
  void aRowForSeveralTokensTakesItsShareOfAPage() {
    KvLayout compressed =
        new KvLayout(
            List.of(Stream.whole("key", 3), new Stream("compressed", 64, 4, Stream.ALL, 4)));
    assertThat(compressed.bytesPerPage(8)).isEqualTo(4 * (3 * 8 + 64 * 2));
    assertThat(PLAIN.bytesPerPage(1)).isEqualTo(4 * (3 + 5));
    KvCache kv = new KvCache(compressed, 8, 16, 2);
    assertThat(kv.rows(1).floats()).hasSize(3 * 2 * 64);
  }

  @Test
  void impossibleStreamsLayoutsAndSizesAreRefusedByName() {
    assertThatThrownBy(() -> new Stream("layers.3.key", 0, 1, 1, 0))
        .hasMessage(
            "stream layers.3.key: expected width, tokens per row and keeps >= 1 and needs >= 0,"
                + " found 0, 1, 1, 0");
    assertThatThrownBy(() -> new Stream("s", 1, 1, 8, 7, RowFormat.F32, 2))
        .hasMessage(
            "stream s: expected rows that are kept to choose from, found 2 chosen of those of 8"
                + " tokens");
    assertThatThrownBy(() -> new Stream("s", 1, 0, 1, 0)).hasMessageContaining("1, 0, 1, 0");
    assertThatThrownBy(() -> new Stream("s", 1, 1, 0, 0)).hasMessageContaining("1, 1, 0, 0");
    assertThatThrownBy(() -> new Stream("s", 1, 1, 1, -1)).hasMessageContaining("1, 1, 1, -1");
    assertThatThrownBy(() -> new Stream("latent", 1, 1, 8, 8))
        .hasMessage("stream latent: expected needs below the 8 tokens that it keeps, found 8");
    assertThatThrownBy(() -> new Stream("latent", 1, 1, 8, Stream.ALL))
        .hasMessageContaining("found all");
    assertThatThrownBy(() -> new KvLayout(List.of())).hasMessageContaining("at least one stream");
    assertThatThrownBy(() -> new KvCache(PLAIN, 4, 0, 1))
        .hasMessage("longest sequence: expected at least 1 slot, found 0");
    assertThatThrownBy(() -> new KvCache(PLAIN, 1 << 28, 1 << 28, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "max-total-tokens: expected at most 2,147,483,631 floats in each stream of the KV"
                + " cache, found 4,026,531,840 in key (5 pages of 268,435,456 tokens)");
  }
}
