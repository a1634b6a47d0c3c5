package orrery.engine;

import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import orrery.checkpoint.JsonConfig;
import orrery.model.ModelConfig;
import orrery.model.classic.ClassicConfig;
import orrery.model.deepseekv4.DeepSeekV4Config;

/** The architectures that Orrery knows. No other class names one. */
public final class Architectures {
  private static final Map<String, Function<JsonConfig, ModelConfig>> KNOWN =
      Map.of(
          ClassicConfig.ARCHITECTURE, ClassicConfig::read,
          DeepSeekV4Config.ARCHITECTURE, DeepSeekV4Config::read);

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
    String[] names = KNOWN.keySet().stream().sorted().toArray(String[]::new);
    return KNOWN.get(config.oneOf("model_type", names)).apply(config);
  }
}
