package orrery.quantization.layouts;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;

/**
 * A layout of the library compressed-tensors, which llm-compressor writes and vLLM, SGLang and
 * transformers read: how one group of modules is stored. This class makes a config of one group or
 * of two ({@code mixed-precision}).
 */
abstract class CompressedTensors implements Layout {
  /** {@code format}: the name of the layout in the config. */
  abstract String format();

  abstract StoredForm form();

  /** {@code weights} of the group. */
  abstract Map<String, Object> weights();

  /** {@code input_activations} of the group, or null if activations stay as they are. */
  abstract Map<String, Object> inputs();

  @Override
  public Optional<StoredForm> form(Role role, QuantizedParts parts) {
    return role == Role.KEPT ? Optional.empty() : Optional.of(form());
  }

  @Override
  public Map<String, Object> fields(QuantizedParts parts, Kept kept) {
    return fields(format(), Map.of("group_0", group("Linear")), kept);
  }

  /** A group of the modules that {@code target} names: a class, or {@code re:} and a pattern. */
  final Map<String, Object> group(String target) {
    return new Fields()
        .put("format", format())
        .put("input_activations", inputs())
        .put("output_activations", null)
        .put("targets", List.of(target))
        .put("weights", weights())
        .done();
  }

  static Map<String, Object> fields(String format, Map<String, Object> groups, Kept kept) {
    return new Fields()
        .put(
            "quantization_config",
            new Fields()
                .put("config_groups", groups)
                .put("format", format)
                .put("global_compression_ratio", null)
                .put("ignore", kept.all())
                .put("kv_cache_scheme", null)
                .put("quant_method", "compressed-tensors")
                .put("quantization_status", "compressed")
                .done())
        .done();
  }

  /** Arguments of floats of few bits. */
  static Fields floats(int bits, String strategy, Object group, Object dynamic) {
    return new Fields()
        .put("num_bits", bits)
        .put("type", "float")
        .put("strategy", strategy)
        .put("symmetric", true)
        .put("group_size", group)
        .put("dynamic", dynamic);
  }
}
