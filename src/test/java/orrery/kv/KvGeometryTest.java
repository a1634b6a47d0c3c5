package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Compares page arithmetic with plain counting, over all small values. */
class KvGeometryTest {
  private static KvGeometry window(int pageTokens, int keeps) {
    return new KvGeometry(
        new KvLayout(List.of(new Stream("latent", 1, 1, keeps, keeps - 1))), pageTokens);
  }

  @Test
  void theSpanIsTheLargestDivisorOfThePageThatFitsIntoTheWindowUpTo16() {
    for (int p = 1; p <= 64; p++) {
      for (int keeps = 1; keeps <= 70; keeps++) {
        int largest = 1;
        for (int d = 1; d <= p && d <= keeps && d <= 16; d++) {
          largest = p % d == 0 ? d : largest;
        }
        assertThat(window(p, keeps).span(0)).as("P %d, keeps %d", p, keeps).isEqualTo(largest);
      }
    }
    KvGeometry whole = new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), 12);
    assertThat(whole.span(0)).isEqualTo(12);
    assertThat(whole.keeps(0)).isEqualTo(Stream.ALL);
  }

  /** Found: pages of 12 slots with one row of 8 tokens each, so the second row had no place. */
  @Test
  void aPageOfAWindowHoldsWholeRowsOfEveryStreamOfItsPool() {
    for (int a : new int[] {1, 2, 4, 8}) {
      for (int b : new int[] {1, 3, 6, Stream.PER_PAGE}) {
        for (int keeps = 1; keeps <= 50; keeps++) {
          Stream first = new Stream("first", 1, a, keeps, keeps - 1);
          Stream second = new Stream("second", 1, b, keeps, 0);
          int span = new KvGeometry(new KvLayout(List.of(first, second)), 48).span(0);
          String as = first + ", " + second;
          assertThat(48 % span).as(as).isZero();
          assertThat(48 / span * first.rows(span)).as(as).isEqualTo(48 / a);
          assertThat(48 / span * second.rows(span)).as(as).isEqualTo(second.rows(48));
        }
      }
    }
    Stream compressed = new Stream("compressed", 1, 8, 12, 8);
    assertThat(new KvGeometry(new KvLayout(List.of(compressed)), 24).span(0)).isEqualTo(8);
  }

  @Test
  void pagesAndPassedPagesAreWhatCountingSlotBySlotGives() {
    for (int p : new int[] {1, 2, 4, 6, 16}) {
      for (int keeps = 1; keeps <= 20; keeps++) {
        KvGeometry g = window(p, keeps);
        for (int slots = 0; slots <= 50; slots++) {
          int pages = 0;
          int passed = 0;
          // Page i holds the slots [i * span, (i+1) * span); the token at slot t reads the slots
          // (t - keeps, t]. All tokens to come are at `slots` or later.
          for (int i = 0; i * g.span(0) <= slots; i++) {
            pages += i * g.span(0) < slots ? 1 : 0;
            passed += (i + 1) * g.span(0) - 1 <= slots - keeps ? 1 : 0;
          }
          String as = "P " + p + ", keeps " + keeps + ", slots " + slots;
          assertThat(g.pages(0, slots)).as(as).isEqualTo(pages);
          assertThat(g.passed(0, slots)).as(as).isEqualTo(passed);
        }
      }
    }
  }

  /**
   * Plays a sequence row by row with a drafter that writes `ahead` slots ahead and is up to
   * `behind` tokens behind: a step gives it pages for the row and the slots ahead, and pages go
   * when all their rows have been seen by complete tokens.
   */
  @Test
  void theExpectedGrowthOfAWindowIsTheMostThatASequenceEverHoldsNoMoreAndNoLess() {
    for (int p : new int[] {1, 2, 4, 6, 16}) {
      for (int keeps = 1; keeps <= 20; keeps++) {
        KvGeometry g = window(p, keeps);
        for (int margin = 0; margin <= 12; margin++) {
          int ahead = Math.min(margin, 1);
          int most = 0;
          for (int computed = 0; computed < 80; computed++) {
            int complete = Math.max(0, computed - (margin - ahead));
            int held = g.pages(0, computed + 1 + ahead) - g.passed(0, complete);
            most = Math.max(most, held);
            assertThat(g.expected(0, 0, computed + 1 + ahead, 0, margin))
                .as("P %d, keeps %d, margin %d, computed %d", p, keeps, margin, computed)
                .isGreaterThanOrEqualTo(most);
          }
          assertThat(g.expected(0, 0, 1_000, 0, margin))
              .as("P %d, keeps %d, margin %d", p, keeps, margin)
              .isEqualTo(most);
        }
      }
    }
  }

  @Test
  void aSequenceNeedsOnlyThePagesThatItDoesNotOwnYet() {
    KvGeometry g = window(16, 8); // pages of 8: a window lies in two
    assertThat(g.expected(0, 0, 100, 0, 0)).isEqualTo(2);
    assertThat(g.expected(0, 40, 100, 1, 0)).isEqualTo(1);
    assertThat(g.expected(0, 40, 100, 5, 0)).isZero();
    assertThat(g.expected(0, 40, 48, 0, 0)).isEqualTo(1); // it ends before it needs a second one
  }

  /** Found: three pages were expected and up to ten held. */
  @Test
  void rowsThatADrafterPutsOffKeepTheirPages() {
    assertThat(window(16, 8).expected(0, 0, 1_000, 0, 1 + 62)).isEqualTo(10);
  }

  @Test
  void aPrefixNeedsThePagesOfItsLastTokensAsTheStreamsOfThePoolSay() {
    KvLayout layout =
        new KvLayout(
            List.of(
                Stream.whole("key", 1),
                new Stream("state", 1, 1, 8, 4),
                new Stream("state 2", 1, 1, 8, 0),
                new Stream("half", 1, 1, 2, 0)));
    KvGeometry g = new KvGeometry(layout, 16);
    assertThat(g.needsAll(0)).isTrue();
    assertThat(g.unneeded(0, 64)).isZero();
    assertThat(g.needs(1)).as("the most that a stream needs").isEqualTo(4);
    assertThat(g.needs(2)).isZero();
    for (int n = 16; n <= 64; n += 16) {
      int live = 0; // pages with a slot of the last four tokens
      for (int page = 0; page < n / 8; page++) {
        live += (page + 1) * 8 > n - 4 ? 1 : 0;
      }
      assertThat(g.pages(1, n) - g.unneeded(1, n)).as("prefix of %d", n).isEqualTo(live);
      assertThat(g.unneeded(2, n)).as("prefix of %d", n).isEqualTo(n / 2); // nothing is needed
      assertThat(g.unneeded(1, n)).isGreaterThanOrEqualTo(g.passed(1, n));
    }
    assertThat(g.needsAll(1)).isFalse();
    assertThat(g.unneeded(1, 2)).isZero();
  }

  @Test
  void onlyCompleteBlocksCountAsBlocks() {
    KvGeometry g = window(16, 8);
    assertThat(g.perBlock(0)).isEqualTo(2);
    assertThat(g.blockPages(0, 15)).isZero();
    assertThat(g.blockPages(0, 16)).isEqualTo(2);
    assertThat(g.blockPages(0, 47)).isEqualTo(4);
  }

  @Test
  void aPoolThatKeepsAllExpectsAllItsGrowthAndPassesNothing() {
    KvGeometry g = new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), 4);
    for (int from = 0; from <= 20; from++) {
      assertThat(g.passed(0, from)).isZero();
      for (int to = from; to <= 30; to++) {
        assertThat(g.expected(0, from, to, 7, 3)).isEqualTo((to + 3) / 4 - (from + 3) / 4);
      }
    }
    assertThat(g.pages(0, Integer.MAX_VALUE)).isEqualTo(1 << 29); // no overflow
  }

  @Test
  void anImpossiblePageSizeIsRefusedAndTheStreamIsNamed() {
    KvLayout layout = new KvLayout(List.of(new Stream("compressed", 1, 4, Stream.ALL, 4)));
    assertThatThrownBy(() -> new KvGeometry(layout, 6))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "page-size: expected a multiple of the 4 tokens that one row of compressed stands"
                + " for, found 6");
    assertThatThrownBy(() -> new KvGeometry(layout, 0))
        .hasMessage("page-size: expected at least 1, found 0");
    assertThat(new KvGeometry(layout, 8).pageTokens()).isEqualTo(8);
    assertThat(new KvGeometry(layout, 8).pools()).isEqualTo(1);
  }

  /** The layout of DeepSeek-V4 with ratios 4 and 128: P = 256, four pools. */
  @Test
  void aSequenceWithTheStreamsOfDeepSeekV4HoldsWindowsAndNotLengths() {
    KvLayout layout =
        new KvLayout(
            List.of(
                new Stream("raw", 1, 1, 128, 127),
                new Stream("csa state", 1, 1, 8, 4),
                new Stream("csa", 1, 4, Stream.ALL, Stream.ALL),
                new Stream("hca state", 1, 1, 128, 0),
                new Stream("hca", 1, 128, Stream.ALL, Stream.ALL)));
    assertThat(layout.unit()).isEqualTo(128);
    assertThat(layout.wholeRows(1)).isEqualTo(128);
    assertThat(layout.wholeRows(129)).isEqualTo(256);
    KvGeometry g = new KvGeometry(layout, 256);
    assertThat(layout.pools()).containsExactly(Stream.ALL, 128, 8); // the longest first
    assertThat(List.of(g.name(0), g.name(1), g.name(2)))
        .containsExactly("all", "window 128", "window 8");
    assertThat(List.of(g.span(0), g.span(1), g.span(2))).containsExactly(256, 16, 8);
    assertThat(g.expected(0, 0, 4096, 0, 0)).isEqualTo(16);
    assertThat(g.expected(1, 0, 4096, 0, 2)).as("with pages of 128: 3 x 128 rows").isEqualTo(10);
    assertThat(g.expected(2, 0, 4096, 0, 0)).isEqualTo(2);
    assertThat(g.unneededOfBlock(1)).as("of 16; a hit needs 127 rows").isEqualTo(8);
    assertThat(g.unneededOfBlock(2)).as("of 32; a hit needs 4 rows").isEqualTo(31);
    assertThat(g.needed(1)).isEqualTo(8);
    assertThat(g.needed(2)).isEqualTo(1);
  }

  @Test
  void aPageThatCannotHoldWholeRowsIsRefusedWithTheReason() {
    KvLayout layout = new KvLayout(List.of(new Stream("compressed", 1, 1_000, Stream.ALL, 4)));
    assertThat(layout.wholeRows(2_147_483_000)).isEqualTo(2_147_483_000);
    assertThatThrownBy(() -> layout.wholeRows(2_147_483_001))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "page-size: expected at most 2147483000, a multiple of the 1000 tokens that whole rows"
                + " of this model stand for, found 2147483001");
    KvLayout primes =
        new KvLayout(
            List.of(
                new Stream("a", 1, 65_537, Stream.ALL, 4),
                new Stream("b", 1, 65_539, Stream.ALL, 4)));
    assertThatThrownBy(primes::unit).hasMessageContainingAll("65537", "65539");
  }
}
