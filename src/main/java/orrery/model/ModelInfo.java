package orrery.model;

import java.util.List;

/**
 * The parameters of a model, by role.
 *
 * @param parts groups of weights, in the order of the forward pass
 */
public record ModelInfo(List<Part> parts) {
  public ModelInfo {
    parts = List.copyOf(parts);
  }

  /**
   * A group of weights with one role.
   *
   * @param role for example "experts"
   * @param parameters all parameters of the group
   * @param activeParameters parameters that one decoded token uses
   * @param activeBytes bytes of weights that one decoded token reads; of an embedding it reads one
   *     row
   */
  public record Part(String role, long parameters, long activeParameters, long activeBytes) {}

  /** All parameters. */
  public long parameters() {
    return parts.stream().mapToLong(Part::parameters).sum();
  }

  /** Parameters that one token uses in the main model, MTP layer excluded. */
  public long activeParameters() {
    return main().mapToLong(Part::activeParameters).sum();
  }

  /** Bytes of weights that a step with one decoded token reads, MTP layer excluded. */
  public long activeBytes() {
    return main().mapToLong(Part::activeBytes).sum();
  }

  private java.util.stream.Stream<Part> main() {
    return parts.stream().filter(p -> !p.role().startsWith("mtp"));
  }
}
