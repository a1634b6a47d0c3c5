package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.kernels.F32Rows;
import orrery.kernels.ScalarKernels;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/** Slot → page → row, compared with plain counting. */
class StreamRowsTest {
  private static final KvLayout LAYOUT =
      new KvLayout(
          List.of(
              Stream.whole("key", 3),
              new Stream("window", 2, 1, 8, 7),
              new Stream("entries", 5, 4, Stream.ALL, Stream.ALL),
              Stream.boundary("boundary", 2)));

  /** Two sequences take pages in turns, so that no table is in order. */
  private static PageTable[] tables(KvCache cache) {
    PageTable[] tables = {cache.newTable(), cache.newTable()};
    for (int slots = 1; slots <= 48; slots++) {
      cache.reserve(tables[0], slots);
      cache.reserve(tables[1], slots);
    }
    return tables;
  }

  @Test
  void theSlotsOfARowFindItAndNoOthersDo() {
    KvCache cache = new KvCache(LAYOUT, 16, 48, 6);
    PageTable[] tables = tables(cache);
    for (int s = 0; s < LAYOUT.streams().size(); s++) {
      StreamRows rows = StreamRows.of(cache, s);
      int per = s == 3 ? 16 : LAYOUT.streams().get(s).tokensPerRow();
      Set<Integer> found = new HashSet<>();
      for (PageTable table : tables) {
        for (int slot = 0; slot < 48; slot++) {
          int at = rows.at(rows.pages(table), slot);
          String as = rows + ", slot " + slot;
          int floats = cache.spanOf(s) / per * rows.width(); // of a page
          assertThat(at / floats)
              .as(as)
              .isEqualTo(table.pages(rows.pool())[slot / cache.spanOf(s)]);
          assertThat(at % floats).as(as).isEqualTo(slot % cache.spanOf(s) / per * rows.width());
          assertThat(found.add(at)).as(as).isEqualTo(slot % per == 0);
          assertThat(rows.completes(slot)).as(as).isEqualTo((slot + 1) % per == 0);
        }
      }
      assertThat(found).hasSize(2 * 48 / per).allMatch(at -> at < rows.data().length);
    }
  }

  @Test
  void aRowOfAStepFindsThePagesOfItsSequence() {
    KvCache cache = new KvCache(LAYOUT, 16, 48, 6);
    Step step = new Step(2, 2, 1, new ScalarKernels());
    System.arraycopy(tables(cache), 0, step.tables, 0, 2);
    step.add(0, 20, 1, false);
    step.add(0, 20, 0, false);
    StreamRows window = StreamRows.of(cache, 1);
    assertThat(window.pages(step, 0)).isSameAs(step.tables[1].pages(1));
    assertThat(window.pages(step, 1)).isSameAs(step.tables[0].pages(1));
  }

  @Test
  void pagesThatWouldHoldHalfARowAreRefused() {
    assertThatThrownBy(() -> new StreamRows("entries", 0, new F32Rows(5, new float[0]), 0, 6, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("entries", "6 slots", "4 tokens a row");
  }
}
