package orrery.model;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import orrery.kernels.PackedMatrix;

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
      String role, long parameters, long activeParameters, long bytes, long activeBytes) {

    /** Matrices that every token reads whole. */
    public static WeightGroup of(String role, Stream<PackedMatrix> matrices) {
      List<PackedMatrix> list = matrices.toList();
      long parameters = list.stream().mapToLong(WeightGroup::size).sum();
      long bytes = list.stream().mapToLong(WeightGroup::stored).sum();
      return new WeightGroup(role, parameters, parameters, bytes, bytes);
    }

    /** Vectors of float32 that every token reads whole; null is none. */
    public static WeightGroup vectors(String role, Stream<float[]> vectors) {
      long n = vectors.filter(Objects::nonNull).mapToLong(v -> v.length).sum();
      return new WeightGroup(role, n, n, 4 * n, 4 * n);
    }

    /** An embedding, of which a token reads one row. */
    public static WeightGroup embedding(String role, PackedMatrix m) {
      long row = m.format.bytes(1, m.in);
      return new WeightGroup(role, size(m), m.in, stored(m), row);
    }

    private static long size(PackedMatrix m) {
      return (long) m.out * m.in;
    }

    private static long stored(PackedMatrix m) {
      return m.format.bytes(m.out, m.in);
    }
  }

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
