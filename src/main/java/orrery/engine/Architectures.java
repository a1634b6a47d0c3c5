package orrery.engine;

import java.nio.file.Path;
import orrery.checkpoint.JsonConfig;
import orrery.model.ModelConfig;
import orrery.model.classic.ClassicConfig;

/** The architectures that Orrery knows. No other class names one. */
public final class Architectures {
  private Architectures() {}

  /**
   * Reads a {@code config.json} of any known architecture, without weights.
   *
   * @throws orrery.checkpoint.CheckpointException naming the field, what was expected and what was
   *     found
   */
  public static ModelConfig read(Path file) {
    return read(JsonConfig.read(file));
  }

  static ModelConfig read(JsonConfig config) {
    return switch (config.oneOf("model_type", ClassicConfig.ARCHITECTURE)) {
      case ClassicConfig.ARCHITECTURE -> ClassicConfig.read(config);
      case String other -> throw new IllegalStateException(other);
    };
  }
}
