package orrery.model;

import orrery.graph.StreamRows;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * The handle on the boundary stream, which has one row for each page of P tokens: the state of the
 * page's last token. An MTP layer needs that state to continue behind a prefix that was found in
 * the cache, because no step of this sequence has computed it.
 *
 * @param stream the stream's rows, [pages][width]
 */
public record BoundaryKv(StreamRows stream) {
  /** The handle on the boundary stream of a cache. */
  public static BoundaryKv of(KvCache cache) {
    return new BoundaryKv(StreamRows.of(cache, cache.layout().boundary()));
  }

  /** P. */
  public int pageTokens() {
    return stream.span();
  }

  /** Floats of a row. */
  public int width() {
    return stream.width();
  }

  /** The stream's rows, [pages][width]. */
  public float[] rows() {
    return stream.data();
  }

  /** Index of the first float of the row of the page that holds a slot. */
  public int row(PageTable table, int slot) {
    return stream.at(stream.pages(table), slot);
  }

  /** Whether a slot is the last of its page. */
  public boolean ends(int slot) {
    return stream.completes(slot);
  }
}
