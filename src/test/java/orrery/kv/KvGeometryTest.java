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
  void theSpanIsTheLargestDivisorOfThePageThatFitsIntoTheWindow() {
    for (int p = 1; p <= 24; p++) {
      for (int keeps = 1; keeps <= 30; keeps++) {
        int largest = 1;
        for (int d = 1; d <= p && d <= keeps; d++) {
          largest = p % d == 0 ? d : largest;
        }
        assertThat(window(p, keeps).span(0)).as("P %d, keeps %d", p, keeps).isEqualTo(largest);
      }
    }
    KvGeometry whole = new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), 12);
    assertThat(whole.span(0)).isEqualTo(12);
    assertThat(whole.keeps(0)).isEqualTo(Stream.ALL);
  }

  @Test
  void pagesPassedAndHeldAreWhatCountingSlotBySlotGives() {
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
          assertThat(g.held(0, slots)).as(as).isEqualTo(pages - Math.min(passed, pages));
        }
      }
    }
  }

  @Test
  void expectedGrowthOfAWindowCoversEveryStepOfAToken() {
    for (int p : new int[] {1, 2, 4, 6, 16}) {
      for (int keeps = 1; keeps <= 20; keeps++) {
        KvGeometry g = window(p, keeps);
        for (int from = 0; from <= 40; from++) {
          int peak = 0; // the most pages beyond those held at `from`, counted token by token
          for (int to = from; to <= 45; to++) {
            if (to > from) {
              int during = g.pages(0, to) - Math.min(g.passed(0, to - 1), g.pages(0, to - 1));
              peak = Math.max(peak, during - g.held(0, from));
            }
            assertThat(g.growth(0, from, to)).isEqualTo(g.pages(0, to) - g.pages(0, from));
            assertThat(g.expected(0, from, to, g.held(0, from)))
                .as("P %d, keeps %d, from %d to %d", p, keeps, from, to)
                .isBetween(peak, g.growth(0, from, to));
          }
          assertThat(g.expected(0, from, 1_000, 0)).isLessThanOrEqualTo(keeps / g.span(0) + 2);
        }
      }
    }
  }

  @Test
  void aPoolThatKeepsAllExpectsAllItsGrowthAndPassesNothing() {
    KvGeometry g = new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), 4);
    for (int from = 0; from <= 20; from++) {
      assertThat(g.passed(0, from)).isZero();
      for (int to = from; to <= 30; to++) {
        assertThat(g.expected(0, from, to, 7)).isEqualTo((to + 3) / 4 - (from + 3) / 4);
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
}
