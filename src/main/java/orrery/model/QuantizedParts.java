package orrery.model;

import java.util.List;
import java.util.Optional;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.quantization.WeightFormat;

/**
 * Which matrices of a model its releases store in few bits. Tensors are recognised by the ends of
 * their names. All others stay as they are: embedding and head, norms, the router, and whatever
 * else is small or sensitive.
 *
 * @param linear ends of the names of matrices that are quantised, those of experts included
 * @param fused parts of the names of matrices that engines compute as one, such as queries, keys
 *     and values; they share a tensor scale
 * @param experts what the name of a routed expert's tensor contains
 * @param blockScale what releases call the scales of a matrix in blocks of FP8, instead of {@code
 *     weight}
 * @param expertDtype whether a field {@code expert_dtype} of the config tells how experts are
 *     stored, and {@code fp4} is what releases have
 */
public record QuantizedParts(
    List<String> linear,
    List<List<String>> fused,
    String experts,
    String blockScale,
    boolean expertDtype) {
  /** Those of a model that has no quantised release. */
  public static final QuantizedParts NONE = new QuantizedParts(List.of(), List.of(), "", "", false);

  /** What a tensor is. */
  public enum Role {
    /** It stays as it is. */
    KEPT,
    /** A matrix that every token reads. */
    LINEAR,
    /** A matrix of a routed expert. */
    EXPERT
  }

  public QuantizedParts {
    linear = List.copyOf(linear);
    fused = List.copyOf(fused);
  }

  /** The names of the tensors that share a tensor scale with this one, itself among them. */
  public List<String> partners(String tensor) {
    for (List<String> together : fused) {
      for (String part : together) {
        if (tensor.endsWith(part)) {
          String module = tensor.substring(0, tensor.length() - part.length());
          return together.stream().map(module::concat).toList();
        }
      }
    }
    return List.of(tensor);
  }

  /** The shapes of a model's weights, as far as its config tells how they are stored. */
  public WeightShapes shapes(WeightFormat floats, QuantizationConfig config) {
    return new WeightShapes(
        floats, name -> role(name) == Role.KEPT ? Optional.empty() : config.formatOf(name));
  }

  /** What a tensor is, by its name. */
  public Role role(String tensor) {
    if (linear.stream().noneMatch(tensor::endsWith)) {
      return Role.KEPT;
    }
    return tensor.contains(experts) ? Role.EXPERT : Role.LINEAR;
  }
}
