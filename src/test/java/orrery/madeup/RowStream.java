package orrery.madeup;

import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * A handle on one stream of a cache: where a row lies.
 *
 * @param rows the stream's rows, [pages][span / tokensPerRow][width]
 * @param span slots of a page
 * @param tokensPerRow tokens that one row stands for; it lies at the slot of the last of them
 * @param width floats of a row
 */
record RowStream(StreamRows rows, int span, int tokensPerRow, int width) {
  static RowStream of(KvCache cache, int stream) {
    Stream s = cache.layout().streams().get(stream);
    int span = cache.spanOf(stream);
    return new RowStream(StreamRows.of(cache, stream), span, s.tokensPerRow(), s.width());
  }

  int pool() {
    return rows.pool();
  }

  PageTable table(Step step, int row) {
    return step.tables[step.sequence[row]];
  }

  /** Index of the first float of the row with the slot {@code slot}. */
  int at(PageTable table, int slot) {
    int page = table.pages(pool())[slot / span];
    return (page * (span / tokensPerRow) + slot % span / tokensPerRow) * width;
  }

  /** The slot that the row of a slot carries: the same, unless the row is another or gone. */
  float tag(PageTable table, int slot) {
    return rows.data()[at(table, slot) + width - 1];
  }
}
