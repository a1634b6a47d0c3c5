package orrery.engine;

import java.nio.file.Path;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.JsonConfig;
import orrery.model.Model;
import orrery.model.classic.ClassicModel;

/** Loads whatever model a directory holds. */
public final class Models {
  private Models() {}

  /**
   * Loads config and weights of a directory in Hugging Face layout.
   *
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field, expected and found
   */
  public static Model load(Path directory) {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      JsonConfig config = JsonConfig.read(directory.resolve("config.json"));
      return switch (config.oneOf("model_type", "glm4_moe")) {
        case "glm4_moe" -> ClassicModel.load(config, checkpoint);
        case String other -> throw new IllegalStateException(other);
      };
    }
  }
}
