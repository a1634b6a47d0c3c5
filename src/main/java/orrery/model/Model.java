package orrery.model;

import java.util.function.IntFunction;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;

/** A loaded model: weights and a forward pass. It knows nothing about requests or batching. */
public interface Model {
  /** {@code model_type} of its config. */
  String architecture();

  /** Size of the vocabulary: logits per row. */
  int vocab();

  /** Size of the hidden state. */
  int hidden();

  /** Decoder layers, without MTP layers. */
  int layers();

  /** Positions the model was made for. */
  int maxPositions();

  /** Whether {@link Forward#mtp} exists. */
  boolean hasMtp();

  /**
   * What one token leaves in the cache.
   *
   * @param mtp with the rows of the MTP layer, and at each page's end the state that it continues
   */
  KvLayout kvLayout(boolean mtp);

  /** What the model consists of, for reports. */
  ModelInfo info();

  /**
   * Binds the model to a cache of one of its layouts; the result makes the forward pass for up to
   * so many rows. Without MTP streams there is no {@link Forward#mtp}.
   */
  IntFunction<Forward> bind(KvCache cache);
}
