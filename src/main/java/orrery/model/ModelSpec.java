package orrery.model;

import orrery.kv.KvDtype;
import orrery.kv.KvLayout;

/** What a model is, as far as its config alone tells it. */
public interface ModelSpec {
  /** {@code model_type} of the model's config. */
  String architecture();

  /** Size of the vocabulary: logits per row. */
  int vocab();

  /** Size of the hidden state. */
  int hidden();

  /**
   * Whether a token has a list of residual streams, joined by hyper-connections; the list may have
   * one.
   */
  default boolean hasStreams() {
    return false;
  }

  /** Residual streams of a token, each as wide as the hidden state. */
  default int residualStreams() {
    return 1;
  }

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
   * @param dtype how rows are stored that attention reads; what later rows are made of stays
   *     float32
   * @throws IllegalArgumentException if {@code mtp} is set and the model has no MTP layer
   */
  KvLayout kvLayout(boolean mtp, KvDtype dtype);

  /** The groups of weights and their sizes, for reports. */
  ModelInfo info();

  /**
   * What {@link Model#bind} and its forward passes take from memory.
   *
   * @param mtp with the MTP layer
   * @param slots the longest sequence
   */
  Activations activations(boolean mtp, int slots);
}
