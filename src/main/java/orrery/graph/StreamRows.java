package orrery.graph;

import orrery.kv.KvCache;

/**
 * The rows of one stream of a cache, as ops read and write them.
 *
 * @param name of the stream
 * @param data all pages of the stream's pool, one after the other; how a row lies in its page is
 *     the kernel's choice
 * @param pool the pool whose page table addresses the rows
 */
public record StreamRows(String name, float[] data, int pool) implements Operand {
  /** The rows of a stream. */
  public static StreamRows of(KvCache cache, int stream) {
    return new StreamRows(
        cache.layout().streams().get(stream).name(),
        cache.data(stream),
        cache.layout().poolOf(stream));
  }

  @Override
  public String toString() {
    return name;
  }
}
