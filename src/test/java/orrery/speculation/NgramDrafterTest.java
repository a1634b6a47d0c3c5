package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.kv.PageTable;
import orrery.sampling.History;
import orrery.sampling.SamplingParams;

class NgramDrafterTest {
  private static final long SEED = 4711;

  /** A sequence that grows. */
  private static final class Text implements Draftable {
    private int[] tokens;
    private int known;

    Text(int... tokens) {
      this.tokens = tokens;
      known = tokens.length;
    }

    void append(int... more) {
      for (int token : more) {
        if (known == tokens.length) {
          tokens = Arrays.copyOf(tokens, 2 * known + 1);
        }
        tokens[known++] = token;
      }
    }

    @Override
    public int[] tokens() {
      return tokens;
    }

    @Override
    public int known() {
      return known;
    }

    @Override
    public int computed() {
      return known - 1;
    }

    @Override
    public PageTable table() {
      throw new AssertionError("prompt lookup has no rows");
    }
  }

  private static SamplingContext sampling() {
    return new SamplingContext(SamplingParams.defaults(), new History(1), 0, 0);
  }

  private static int[] drafts(NgramDrafter drafter, Drafts drafts, int most) {
    drafts.keep(0);
    int offered = drafter.offers(drafts, most);
    assertThat(drafts.count()).as("an offer is not a draft").isZero();
    assertThat(offered).isBetween(0, most);
    if (offered > 0) {
      drafter.draft(List.of(new Drafter.Order(drafts, offered)));
    }
    assertThat(drafts.count()).isEqualTo(offered);
    return drafts.toArray();
  }

  private static int[] drafts(int min, int max, int most, int... text) {
    NgramDrafter drafter = new NgramDrafter(min, max);
    return drafts(drafter, drafter.start(new Text(text), sampling()), most);
  }

  @Test
  void itProposesWhatFollowedTheNewestTokensTheLastTime() {
    assertThat(drafts(2, 4, 3, 1, 2, 3, 4, 5, 9, 1, 2)).containsExactly(3, 4, 5);
  }

  @Test
  void theLongestRunWinsOverAMoreRecentShorterOne() {
    assertThat(drafts(1, 3, 1, 1, 2, 3, 7, 5, 2, 3, 8, 1, 2, 3)).containsExactly(7);
    assertThat(drafts(1, 2, 1, 1, 2, 3, 7, 5, 2, 3, 8, 1, 2, 3)).containsExactly(8);
  }

  @Test
  void amongRunsOfALengthTheMostRecentWins() {
    assertThat(drafts(2, 2, 2, 1, 2, 3, 1, 2, 4, 1, 2, 5, 1, 2)).containsExactly(5, 1);
  }

  @Test
  void nothingIsOfferedWhereNoRunOccurredBefore() {
    assertThat(drafts(1, 4, 3, 1, 2, 3, 4, 5)).isEmpty();
    assertThat(drafts(2, 4, 3, 1, 2, 3, 9, 3)).as("one token is too short a run").isEmpty();
    assertThat(drafts(2, 4, 3, 1)).isEmpty();
    assertThat(drafts(2, 4, 3, 1, 1)).isEmpty();
  }

  @Test
  void aPeriodicTextIsContinuedForAsLongAsWanted() {
    assertThat(drafts(2, 4, 8, 6, 1, 2, 3, 1, 2, 3)).containsExactly(1, 2, 3, 1, 2, 3, 1, 2);
    assertThat(drafts(1, 4, 5, 4, 4)).containsExactly(4, 4, 4, 4, 4);
  }

  @Test
  void draftsAreNoMoreThanOrdered() {
    NgramDrafter drafter = new NgramDrafter(1, 2);
    Drafts drafts = drafter.start(new Text(1, 2, 3, 1), sampling());
    assertThat(drafter.offers(drafts, 5)).isEqualTo(5);
    drafter.draft(List.of(new Drafter.Order(drafts, 2)));
    assertThat(drafts.toArray()).containsExactly(2, 3);
    assertThat(drafts.distribution(0)).as("a point mass").isNull();
  }

  @Test
  void appendedTokensAreSeenInPiecesOfAnySize() {
    System.out.println("NgramDrafterTest seed " + SEED);
    Random random = new Random(SEED);
    int found = 0;
    for (int run = 0; run < 400; run++) {
      int min = 1 + random.nextInt(3);
      int max = min + random.nextInt(4);
      int alphabet = 2 + random.nextInt(12);
      Text text = new Text(random.ints(1 + random.nextInt(40), 0, alphabet).toArray());
      NgramDrafter drafter = new NgramDrafter(min, max);
      Drafts drafts = drafter.start(text, sampling());
      for (int step = 0; step < 40; step++) {
        int most = 1 + random.nextInt(6);
        int[] plain = plain(text, min, max, most);
        assertThat(drafts(drafter, drafts, most)).as("run %d step %d", run, step).isEqualTo(plain);
        found += plain.length > 0 ? 1 : 0;
        text.append(random.ints(1 + random.nextInt(5), 0, alphabet).toArray());
      }
    }
    assertThat(found).isBetween(2_000, 15_500);
  }

  /** The guesses by plain search: every run length, every place, from the back. */
  private static int[] plain(Text text, int min, int max, int most) {
    int[] t = Arrays.copyOf(text.tokens, text.known);
    for (int n = Math.min(max, t.length); n >= min; n--) {
      for (int end = t.length - 1; end >= n; end--) {
        if (Arrays.equals(t, end - n, end, t, t.length - n, t.length)) {
          int[] longer = Arrays.copyOf(t, t.length + most);
          for (int i = 0; i < most; i++) {
            longer[t.length + i] = longer[end + i];
          }
          return Arrays.copyOfRange(longer, t.length, t.length + most);
        }
      }
    }
    return new int[0];
  }

  @Test
  void aForkGuessesFromItsOwnTokens() {
    NgramDrafter drafter = new NgramDrafter(1, 3);
    Text one = new Text(1, 2, 3);
    Text two = new Text(1, 2, 3);
    Drafts first = drafter.start(one, sampling());
    Drafts second = drafter.fork(first, two, sampling());
    one.append(1);
    two.append(2);
    assertThat(drafts(drafter, first, 1)).containsExactly(2);
    assertThat(drafts(drafter, second, 1)).containsExactly(3);
  }

  @Test
  void aStepAtEightThousandTokensCostsAsMuchAsAStepAtAHundred() {
    Random random = new Random(SEED);
    int[][] texts = {
      new int[8_000], // one token only
      random.ints(8_000, 0, 2).toArray(),
      random.ints(8_000, 0, 2_048).toArray(),
      java.util.stream.IntStream.range(0, 8_000).map(i -> i % 97).toArray(),
      java.util.stream.IntStream.range(0, 8_000).toArray(),
    };
    for (int[] tokens : texts) {
      NgramDrafter drafter = new NgramDrafter(2, 4);
      Text text = new Text(Arrays.copyOf(tokens, 1));
      NgramDrafter.Lookup lookup = (NgramDrafter.Lookup) drafter.start(text, sampling());
      for (int i = 1; i < tokens.length; i++) {
        drafter.offers(lookup, 3);
        text.append(tokens[i]);
      }
      // For 3 run lengths: one search and one entry for each token, and the entries of every
      // growth.
      assertThat(lookup.compared()).isLessThan(3L * 8_000 * 6);
    }
  }

  @Test
  void badRunLengthsAreRefused() {
    assertThatThrownBy(() -> new NgramDrafter(0, 3)).hasMessageContaining("found 0 to 3");
    assertThatThrownBy(() -> new NgramDrafter(3, 2)).hasMessageContaining("found 3 to 2");
  }

  /** The plan of the heap counts so much for each running sequence. */
  @Test
  void anIndexTakesNoMoreThanIsCounted() {
    for (int tokens : new int[] {1, 31, 32, 33, 1_000, 4_096, 5_000}) {
      int[] text = new Random(tokens).ints(tokens, 0, 1 << 30).toArray(); // all runs are new
      for (int n = 1; n <= 3; n++) {
        NgramIndex index = new NgramIndex(n);
        index.extend(text, tokens);
        long counted = NgramDrafter.bytes(n, n, tokens);
        assertThat(index.bytes()).isBetween(counted / 2, counted);
        assertThat(counted).isLessThanOrEqualTo(Math.max(256, 16L * tokens));
      }
    }
  }
}
