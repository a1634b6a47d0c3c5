package orrery.model;

import java.util.function.IntFunction;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;

/** A loaded model: weights and a forward pass. It knows nothing about requests or batching. */
public interface Model {
  /** {@code model_type} of the model's config. */
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
   * The streams of rows that one token leaves in the cache.
   *
   * @param mtp whether to include the rows of the MTP layer, and at each page's end the state that
   *     this layer continues
   * @throws IllegalArgumentException if {@code mtp} is set and the model has no MTP layer
   */
  KvLayout kvLayout(boolean mtp);

  /** The parts of the model and their sizes, for reports. */
  ModelInfo info();

  /**
   * What {@link #bind} and its forward passes take from memory.
   *
   * @param mtp with the MTP layer
   */
  Activations activations(boolean mtp);

  /**
   * Binds the model to a cache of one of its layouts. The result makes the forward pass for up to
   * the given number of rows. If the cache has no MTP streams, that forward pass has no {@link
   * Forward#mtp}.
   *
   * @param maxLogitRows most rows of a step that want logits, however many rows it has
   */
  IntFunction<Forward> bind(KvCache cache, int maxLogitRows);
}
