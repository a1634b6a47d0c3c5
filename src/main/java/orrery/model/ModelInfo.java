package orrery.model;

import java.util.List;
import java.util.stream.Stream;

/**
 * The parameters of a model, by role.
 *
 * @param groups in the order of the forward pass
 */
public record ModelInfo(List<WeightGroup> groups) {
  public ModelInfo {
    groups = List.copyOf(groups);
  }

  /**
   * The weights of one role.
   *
   * @param role for example "experts"
   * @param parameters all parameters of the group
   * @param activeParameters parameters that one decoded token uses
   * @param bytes of all weights, as they are kept in memory
   * @param activeBytes bytes of weights that one decoded token reads; of an embedding it reads one
   *     row
   */
  public record WeightGroup(
      String role, long parameters, long activeParameters, long bytes, long activeBytes) {}

  /** All parameters. */
  public long parameters() {
    return groups.stream().mapToLong(WeightGroup::parameters).sum();
  }

  /** Bytes of all weights, as they are kept in memory. */
  public long bytes() {
    return groups.stream().mapToLong(WeightGroup::bytes).sum();
  }

  /** Parameters that one token uses in the main model, MTP layer excluded. */
  public long activeParameters() {
    return main().mapToLong(WeightGroup::activeParameters).sum();
  }

  /** Bytes of weights that a step with one decoded token reads, MTP layer excluded. */
  public long activeBytes() {
    return main().mapToLong(WeightGroup::activeBytes).sum();
  }

  private Stream<WeightGroup> main() {
    return groups.stream().filter(g -> !g.role().startsWith("mtp"));
  }
}
