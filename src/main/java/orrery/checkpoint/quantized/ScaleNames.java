package orrery.checkpoint.quantized;

import java.util.ArrayList;
import java.util.List;

/**
 * What the companions of a weight are called. {@code _inv} is not an inverse: it multiplies, like
 * every scale but {@code _global_scale}.
 *
 * <pre>
 *   m.weight               codes, or the weight itself
 *   m.weight_packed        codes of FP4: compressed-tensors
 *   m.weight_scale_inv     scales of blocks: DeepSeek-V3, transformers
 *   m.weight_scale         scales: compressed-tensors, ModelOpt
 *   m.scale                scales: DeepSeek-V4
 *   m.weight_scale_2       the scale of the whole tensor: ModelOpt
 *   m.weight_global_scale  its inverse: compressed-tensors
 *   m.pre_quant_scale      scales of inputs (AWQ): not understood
 * </pre>
 *
 * <p>A stack of experts is called {@code gate_up_proj}, without {@code .weight}; its companions are
 * {@code gate_up_proj_scale_inv} and so on.
 */
public final class ScaleNames {
  private static final String WEIGHT = ".weight";

  private ScaleNames() {}

  /** The module that a weight belongs to. */
  static String module(String weight) {
    return weight.endsWith(WEIGHT)
        ? weight.substring(0, weight.length() - WEIGHT.length())
        : weight;
  }

  /** The weight that a tensor of codes or of scales of blocks belongs to; else its own name. */
  public static String weightOf(String tensor) {
    for (String end : List.of("_packed", "_scale_inv", "_scale")) {
      if (tensor.endsWith(end)) {
        return tensor.substring(0, tensor.length() - end.length());
      }
    }
    return tensor.endsWith(".scale")
        ? tensor.substring(0, tensor.length() - ".scale".length()) + WEIGHT
        : tensor;
  }

  static String packed(String weight) {
    return weight + "_packed";
  }

  /** The names that the scales of a weight may have. */
  static List<String> scales(String weight) {
    List<String> names = new ArrayList<>(List.of(weight + "_scale_inv", weight + "_scale"));
    if (weight.endsWith(WEIGHT)) {
      names.add(module(weight) + ".scale");
    }
    return names;
  }

  /** The scale of the whole tensor, which multiplies. */
  static String tensorScale(String weight) {
    return weight + "_scale_2";
  }

  /** The scale of the whole tensor, which divides. */
  static String globalScale(String weight) {
    return weight + "_global_scale";
  }

  static String preScale(String weight) {
    return module(weight) + ".pre_quant_scale";
  }

  /**
   * Scales of activations and of cached keys and values: they change no weight. Those of the cache
   * belong to a projection or to the attention around it.
   */
  static List<String> passedOver(String weight) {
    String module = module(weight);
    List<String> names =
        new ArrayList<>(List.of(module + ".input_scale", module + ".input_global_scale"));
    String around = module.substring(0, Math.max(0, module.lastIndexOf('.')));
    for (String place : List.of(module, around)) {
      for (String of : List.of("q", "k", "v")) {
        names.add(place + "." + of + "_scale");
      }
    }
    return names;
  }
}
