package orrery.checkpoint.quantized;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import orrery.checkpoint.JsonConfig;
import orrery.quantization.WeightFormat;

/**
 * What a model's config tells about its quantised matrices: {@code quantization_config} and {@code
 * expert_dtype} of {@code config.json}, and ModelOpt's {@code hf_quant_config.json} beside it.
 *
 * <p>It does not tell which matrices are quantised, since real lists of exceptions are wrong: that
 * tells each tensor's type. It tells the sizes of blocks. And what is not understood is refused
 * here, by the name of the field.
 *
 * @param file the config, for messages
 * @param schemes the ways in which matrices may be stored; none if there is no such config
 * @param ignored modules that are said to stay as they are
 * @param powerOfTwo whether scales of rounded activations are powers of two ({@code scale_fmt:
 *     ue8m0})
 */
public record QuantizationConfig(
    Path file, List<Scheme> schemes, ModuleList ignored, boolean powerOfTwo) {
  static final String FIELD = "quantization_config";
  private static final String MODEL_OPT_FILE = "hf_quant_config.json";

  public QuantizationConfig {
    schemes = List.copyOf(schemes);
  }

  /** A config that tells nothing: all weights are floats. */
  public static QuantizationConfig none(Path file) {
    return new QuantizationConfig(file, List.of(), new ModuleList(file, List.of()), false);
  }

  /**
   * Reads the config of a model.
   *
   * @param c {@code config.json}
   * @param fp4Experts whether experts of this architecture are FP4 where {@code quant_method} is
   *     fp8 and {@code expert_dtype} does not say it
   * @throws orrery.checkpoint.CheckpointException naming the field, what was expected and what was
   *     found
   */
  public static QuantizationConfig read(JsonConfig c, boolean fp4Experts) {
    List<Scheme> schemes = new ArrayList<>();
    Optional<JsonConfig> own = c.optionalObject(FIELD);
    Path beside = c.file().resolveSibling(MODEL_OPT_FILE);
    Optional<JsonConfig> modelOpt =
        Files.exists(beside)
            ? Optional.of(JsonConfig.read(beside).object("quantization"))
            : Optional.empty();
    modelOpt.ifPresent(q -> schemes.addAll(ModelOptFields.read(q)));
    boolean powerOfTwo = false;
    if (own.isPresent()) {
      JsonConfig q = own.get();
      switch (q.oneOf("quant_method", "fp8", "mxfp8", "compressed-tensors", "modelopt")) {
        case "fp8" -> {
          schemes.addAll(Fp8Fields.read(c, q, fp4Experts));
          powerOfTwo = Fp8Fields.powerOfTwo(q);
        }
        case "mxfp8" -> schemes.add(Fp8Fields.readMx(q));
        case "compressed-tensors" -> schemes.addAll(CompressedTensorsFields.read(q));
        default -> {
          modelOpt.ifPresent(other -> ModelOptFields.requireSame(q, other));
          schemes.addAll(ModelOptFields.read(q));
        }
      }
    }
    ModuleList ignored =
        own.or(() -> modelOpt)
            .map(QuantizationConfig::ignored)
            .orElse(new ModuleList(c.file(), List.of()));
    return new QuantizationConfig(c.file(), schemes, ignored, powerOfTwo);
  }

  /** Where FP8 and ModelOpt's formats are mixed, ModelOpt's list does not tell of FP8. */
  private static ModuleList ignored(JsonConfig q) {
    return q.stringOr("quant_method", "modelopt").endsWith("fp8")
        ? ModuleList.read(q, "modules_to_not_convert", "ignored_layers")
        : ModuleList.read(q, "ignore", "exclude_modules");
  }

  /** How a matrix that releases quantise is stored, as far as the config alone tells. */
  public Optional<WeightFormat> formatOf(String tensor) {
    String module = ScaleNames.module(tensor);
    return ignored.has(module)
        ? Optional.empty()
        : schemes.stream()
            .filter(scheme -> scheme.targets().has(module))
            .map(Scheme::format)
            .findFirst();
  }
}
