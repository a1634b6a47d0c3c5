package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/** The rows that are kept at page ends. */
class KeepBoundaryTest {
  private static final int WIDTH = 3;

  private static KvCache cache(int pageTokens) {
    KvLayout layout =
        new KvLayout(List.of(Stream.whole("key", 1), Stream.boundary("boundary", WIDTH)));
    return new KvCache(layout, pageTokens, 24, 48 / pageTokens + 2);
  }

  /** Two sequences in one step; a row holds 100 · sequence + slot. */
  @Test
  void exactlyTheRowsThatEndAPageAreKept() {
    for (int p : new int[] {1, 3, 4, 24}) {
      for (int shares : new int[] {1, 2, 5}) {
        KvCache cache = cache(p);
        BoundaryKv boundary = BoundaryKv.of(cache);
        assertThat(boundary.pageTokens()).isEqualTo(p);
        assertThat(boundary.width()).isEqualTo(WIDTH);
        Step step = new Step(40, 2, 1, new ScalarKernels());
        Buffer x = new Buffer("x", Step::rows, 40, WIDTH);
        int[] ends = {11, 24};
        int[] begins = {5, 2};
        for (int s = 0; s < 2; s++) {
          step.tables[s] = cache.newTable();
          cache.reserve(step.tables[s], 24);
          for (int slot = begins[s]; slot < ends[s]; slot++) {
            Arrays.fill(x.data, x.row(step.rows()), x.row(step.rows()) + WIDTH, 100 * s + slot);
            step.add(0, slot, s, false);
          }
        }
        for (int share = 0; share < shares; share++) {
          new KeepBoundary(x, boundary).run(step, share, shares);
        }
        int kept = 0;
        for (int s = 0; s < 2; s++) {
          for (int last = p - 1; last < 24; last += p) {
            int at = boundary.row(step.tables[s], last);
            float[] row = Arrays.copyOfRange(boundary.rows(), at, at + WIDTH);
            boolean computed = last >= begins[s] && last < ends[s];
            assertThat(row)
                .as("P %d, sequence %d, slot %d", p, s, last)
                .containsOnly(computed ? 100 * s + last : Float.NaN);
            kept += computed ? 1 : 0;
          }
        }
        long written = 0;
        for (float f : boundary.rows()) {
          written += Float.isNaN(f) ? 0 : 1;
        }
        assertThat(written).as("floats written at all").isEqualTo((long) kept * WIDTH);
      }
    }
  }

  @Test
  void aPagesRowIsFoundFromAnyOfItsSlots() {
    KvCache cache = cache(4);
    BoundaryKv boundary = BoundaryKv.of(cache);
    PageTable t = cache.newTable();
    cache.reserve(t, 12);
    for (int slot = 0; slot < 12; slot++) {
      assertThat(boundary.row(t, slot)).isEqualTo(t.pages(0)[slot / 4] * WIDTH);
      assertThat(boundary.ends(slot)).isEqualTo(slot == 3 || slot == 7 || slot == 11);
    }
  }

  @Test
  void rowsOfAnotherWidthAreRefused() {
    Buffer wide = new Buffer("wide", Step::rows, 2, WIDTH + 1);
    assertThatThrownBy(() -> new KeepBoundary(wide, BoundaryKv.of(cache(4))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("boundary of 3", "wide[4]");
  }
}
