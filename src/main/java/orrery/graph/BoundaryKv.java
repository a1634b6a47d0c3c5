package orrery.graph;

import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * The handle on the rows that page ends leave: a page of P tokens has one, of its last token. From
 * there an MTP layer continues behind a prefix that was found in the cache, where nobody computed
 * the hidden state that it needs.
 *
 * @param rows the stream's rows, [pages][width]
 * @param pool whose page table addresses them
 * @param pageTokens P
 * @param width floats of a row
 */
public record BoundaryKv(float[] rows, int pool, int pageTokens, int width) {
  /** The handle on the boundary stream of a cache. */
  public static BoundaryKv of(KvCache cache) {
    int stream = cache.layout().boundary();
    return new BoundaryKv(
        cache.data(stream),
        cache.layout().poolOf(stream),
        cache.spanOf(stream),
        cache.layout().streams().get(stream).width());
  }

  /** Index of the first float of the row of the page that holds a slot. */
  public int row(PageTable table, int slot) {
    return table.pages(pool)[slot / pageTokens] * width;
  }

  /** Whether a slot is the last of its page. */
  public boolean ends(int slot) {
    return slot % pageTokens == pageTokens - 1;
  }
}
