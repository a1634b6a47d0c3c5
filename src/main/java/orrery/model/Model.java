package orrery.model;

import java.util.function.IntFunction;
import orrery.kv.KvCache;

/** A loaded model: weights and a forward pass. It knows nothing about requests or batching. */
public interface Model extends ModelSpec {
  /**
   * Binds the model to a cache of one of its layouts. The result makes the forward pass for up to
   * the given number of rows. If the cache has no MTP streams, that forward pass has no {@link
   * Forward#mtp}.
   *
   * @param maxLogitRows most rows of a step that want logits, however many rows it has
   */
  IntFunction<Forward> bind(KvCache cache, int maxLogitRows);
}
