package orrery.model;

import java.nio.file.Path;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.quantized.QuantizationConfig;

/**
 * A model's config, checked. It tells everything about the model but its weights, so that a reader
 * can size a model that would fit no machine at hand. {@link #info} counts the weights that the
 * config promises, stored as its {@code dtype} says. (A checkpoint may have weights that no config
 * mentions, such as an MTP layer's own embedding.)
 */
public interface ModelConfig extends ModelSpec {
  /**
   * Loads the weights that the config describes.
   *
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field, what was expected
   *     and what was found
   */
  Model load(Checkpoint checkpoint);

  /** What the config tells about matrices in codes. */
  default QuantizationConfig quantization() {
    return QuantizationConfig.none(Path.of("config.json"));
  }

  /** Where the width of the model's feed-forwards is written. */
  default FeedForwardWidth feedForwardWidth() {
    return FeedForwardWidth.NONE;
  }

  /** Which matrices of the model a quantised release has in few bits. */
  default QuantizedParts quantizedParts() {
    return QuantizedParts.NONE;
  }
}
