package orrery.model;

import java.util.function.IntFunction;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;

/** A loaded model: weights and a forward pass. It knows nothing about requests or batching. */
public interface Model extends ModelSpec {
  /**
   * What the model is, of what was loaded: a checkpoint may lack what its config announces. The
   * model answers as this config does; {@link #info} it counts itself if it has weights that no
   * config mentions.
   */
  ModelSpec config();

  @Override
  default String architecture() {
    return config().architecture();
  }

  @Override
  default int vocab() {
    return config().vocab();
  }

  @Override
  default int hidden() {
    return config().hidden();
  }

  @Override
  default boolean hasStreams() {
    return config().hasStreams();
  }

  @Override
  default int residualStreams() {
    return config().residualStreams();
  }

  @Override
  default int layers() {
    return config().layers();
  }

  @Override
  default int maxPositions() {
    return config().maxPositions();
  }

  @Override
  default boolean hasMtp() {
    return config().hasMtp();
  }

  @Override
  default KvLayout kvLayout(boolean mtp, KvDtype dtype) {
    return config().kvLayout(mtp, dtype);
  }

  @Override
  default ModelInfo info() {
    return config().info();
  }

  @Override
  default Activations activations(boolean mtp, int slots) {
    return config().activations(mtp, slots);
  }

  /**
   * Binds the model to a cache of one of its layouts. The result makes the forward pass for up to
   * the given number of rows. If the cache has no MTP streams, that forward pass has no {@link
   * Forward#mtp}.
   *
   * @param maxLogitRows most rows of a step that want logits, however many rows it has
   */
  IntFunction<Forward> bind(KvCache cache, int maxLogitRows);
}
