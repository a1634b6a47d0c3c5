package orrery.model;

import java.util.List;

/**
 * Which matrices of a model its releases store in few bits. Tensors are told by the ends of their
 * names. All others stay as they are: embedding and head, norms, the router, and whatever else is
 * small or sensitive.
 *
 * @param linear ends of the names of matrices that are quantised, those of experts included
 * @param experts what the name of a routed expert's tensor contains
 * @param blockScale what releases call the scales of a matrix in blocks of FP8, instead of {@code
 *     weight}
 * @param expertDtype whether a field {@code expert_dtype} of the config tells how experts are
 *     stored, and {@code fp4} is what releases have
 */
public record QuantizedParts(
    List<String> linear, String experts, String blockScale, boolean expertDtype) {
  /** Those of a model that has no quantised release. */
  public static final QuantizedParts NONE = new QuantizedParts(List.of(), "", "", false);

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
  }

  /** What a tensor is, by its name. */
  public Role role(String tensor) {
    if (linear.stream().noneMatch(tensor::endsWith)) {
      return Role.KEPT;
    }
    return tensor.contains(experts) ? Role.EXPERT : Role.LINEAR;
  }
}
