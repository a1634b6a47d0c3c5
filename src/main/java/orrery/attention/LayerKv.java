package orrery.attention;

import orrery.graph.StreamRows;
import orrery.kernels.AttentionShape;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * A layer's handle on its cached keys and values.
 *
 * @param keys the key stream's rows, laid out as {@link AttentionShape} says
 * @param values the value stream's rows, in the same pool
 * @param firstSlot the first slot that holds a row: 0, or 1 for an MTP layer, where a row lies at
 *     the slot of the newest token that it reads
 */
public record LayerKv(AttentionShape shape, StreamRows keys, StreamRows values, int firstSlot) {
  public LayerKv {
    if (keys.pool() != values.pool()) {
      throw new IllegalArgumentException(
          keys + " and " + values + ": expected streams of one pool, found two");
    }
  }

  /** The handle on two streams of a cache. */
  public static LayerKv of(
      KvCache cache, AttentionShape shape, int keyStream, int valueStream, int firstSlot) {
    return new LayerKv(
        shape, StreamRows.of(cache, keyStream), StreamRows.of(cache, valueStream), firstSlot);
  }

  /** The pages of a sequence that hold the rows, from the page of slot 0 on. */
  int[] pages(PageTable table) {
    return keys.pages(table);
  }
}
