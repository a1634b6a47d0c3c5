package orrery.madeup;

import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * A handle on one stream of a cache whose rows carry their slot.
 *
 * @param rows the stream's rows; a row of several tokens carries the slot of the last of them
 */
record RowStream(StreamRows rows) {
  static RowStream of(KvCache cache, int stream) {
    return new RowStream(StreamRows.of(cache, stream));
  }

  int pool() {
    return rows.pool();
  }

  int span() {
    return rows.span();
  }

  int tokensPerRow() {
    return rows.tokensPerRow();
  }

  PageTable table(Step step, int row) {
    return step.tables[step.sequence[row]];
  }

  /** Index of the first float of the row with the slot {@code slot}. */
  int at(PageTable table, int slot) {
    return rows.at(rows.pages(table), slot);
  }

  /** The slot that the row of a slot carries: the same, unless the row is another or gone. */
  float tag(PageTable table, int slot) {
    return rows.data()[at(table, slot) + rows.width() - 1];
  }
}
