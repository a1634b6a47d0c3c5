package orrery.checkpoint.quantized;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonConfig;
import orrery.quantization.WeightFormat;

/**
 * What NVIDIA's ModelOpt writes: the {@code quantization} of {@code hf_quant_config.json}, or a
 * {@code quantization_config} of {@code quant_method} modelopt.
 *
 * <pre>
 *   FP8                        a scale for the whole matrix
 *   FP8_PER_CHANNEL_PER_TOKEN  a scale for each row
 *   FP8_PB_WO                  a scale for each block of 128 x 128
 *   MXFP8, NVFP4, W4A16_NVFP4
 *   MIXED_PRECISION            one of these for each module of {@code quantized_layers}
 * </pre>
 *
 * <p>NVFP4_AWQ is not among them: its weights are for inputs that were scaled before.
 */
final class ModelOptFields {
  private static final String ALGO = "quant_algo";
  private static final String MIXED = "MIXED_PRECISION";
  private static final String[] ALGOS = {
    "FP8", "FP8_PER_CHANNEL_PER_TOKEN", "FP8_PB_WO", "MXFP8", "NVFP4", "W4A16_NVFP4", MIXED
  };
  private static final int BLOCK = 128;

  private ModelOptFields() {}

  static List<Scheme> read(JsonConfig q) {
    if (!q.has(ALGO) && q.has("kv_cache_quant_algo")) {
      return List.of(); // the KV cache alone
    }
    String algo = q.oneOf(ALGO, ALGOS);
    if (algo.equals(MIXED)) {
      return mixed(q);
    }
    return List.of(
        new Scheme(format(q, algo), new ModuleList(q.file(), List.of(ModuleList.LINEAR))));
  }

  private static List<Scheme> mixed(JsonConfig q) {
    JsonConfig layers = q.object("quantized_layers");
    Map<WeightFormat, List<String>> modules = new LinkedHashMap<>();
    for (String module : layers.fields()) {
      JsonConfig layer = layers.object(module);
      WeightFormat format = format(layer, layer.oneOf(ALGO, ALGOS));
      modules.computeIfAbsent(format, f -> new ArrayList<>()).add(module);
    }
    return modules.entrySet().stream()
        .map(e -> new Scheme(e.getKey(), new ModuleList(q.file(), e.getValue())))
        .toList();
  }

  private static WeightFormat format(JsonConfig q, String algo) {
    WeightFormat format =
        switch (algo) {
          case "FP8" -> Scheme.TENSOR;
          case "FP8_PER_CHANNEL_PER_TOKEN" -> Scheme.CHANNEL;
          case "FP8_PB_WO" -> Scheme.fp8(BLOCK, BLOCK);
          case "MXFP8" -> WeightFormat.MXFP8;
          case "NVFP4", "W4A16_NVFP4" -> WeightFormat.NVFP4;
          default -> throw q.bad(ALGO, "another one inside quantized_layers", algo);
        };
    String group = "group_size";
    boolean groups = format.blockRows() == 1 && format.blockCols() != WeightFormat.WHOLE;
    if (groups && q.positiveIntOr(group, format.blockCols()) != format.blockCols()) {
      throw q.bad(group, format.blockCols() + " with " + ALGO + " " + algo, q.shown(group));
    }
    return format;
  }

  /** Refuses two files that say different things: engines differ in which one they read. */
  static void requireSame(JsonConfig own, JsonConfig beside) {
    if (!own.shown(ALGO).equals(beside.shown(ALGO))) {
      String expected = beside.shown(ALGO) + ", as " + beside.file().getFileName() + " says";
      throw own.bad(ALGO, expected, own.shown(ALGO));
    }
  }
}
