package orrery.attention;

import orrery.kernels.AttentionShape;
import orrery.kv.KvCache;

/**
 * A layer's handle on its cached keys and values.
 *
 * @param keys the key stream's pages, laid out as {@link AttentionShape} says
 * @param values the value stream's pages
 * @param pool the pool with the page table that addresses the rows
 * @param firstSlot the first slot that holds a row: 0, or 1 for an MTP layer, where a row lies at
 *     the slot of the newest token that it reads
 */
public record LayerKv(AttentionShape shape, float[] keys, float[] values, int pool, int firstSlot) {
  /** The handle on two streams of a cache. */
  public static LayerKv of(
      KvCache cache, AttentionShape shape, int keyStream, int valueStream, int firstSlot) {
    return new LayerKv(
        shape,
        cache.data(keyStream),
        cache.data(valueStream),
        cache.layout().poolOf(keyStream),
        firstSlot);
  }
}
