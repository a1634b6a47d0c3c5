package orrery.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import orrery.kernels.PackedMatrix;
import orrery.quantization.WeightFormat;

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
   * The weights of one format.
   *
   * @param weights how many
   * @param codeBytes bytes of the weights themselves
   * @param scaleBytes bytes of their scales
   */
  public record Stored(WeightFormat format, long weights, long codeBytes, long scaleBytes) {
    static Stored of(PackedMatrix m) {
      return new Stored(
          m.format,
          (long) m.out * m.in,
          m.format.codeBytes(m.out, m.in),
          m.format.scaleBytes(m.out, m.in));
    }

    private Stored plus(Stored other) {
      return new Stored(
          format,
          weights + other.weights,
          codeBytes + other.codeBytes,
          scaleBytes + other.scaleBytes);
    }

    /** One element for each format, in the order in which they come first. */
    private static List<Stored> sums(Stream<Stored> parts) {
      Map<WeightFormat, Stored> sums = new LinkedHashMap<>();
      parts.forEach(part -> sums.merge(part.format, part, Stored::plus));
      return List.copyOf(sums.values());
    }

    /** Bytes of the weights and of their scales. */
    public long bytes() {
      return codeBytes + scaleBytes;
    }
  }

  /**
   * The weights of one role.
   *
   * @param role for example "experts"
   * @param parameters all parameters of the group
   * @param activeParameters parameters that one decoded token uses
   * @param bytes of all weights and their scales, as their formats store them
   * @param activeBytes bytes of weights that one decoded token reads; of an embedding it reads one
   *     row
   * @param stored the same weights by format, without tables of indices
   */
  public record WeightGroup(
      String role,
      long parameters,
      long activeParameters,
      long bytes,
      long activeBytes,
      List<Stored> stored) {
    public WeightGroup {
      stored = List.copyOf(stored);
    }

    /** Weights that are no matrices of this group: indices, or a matrix of another group. */
    public WeightGroup(
        String role, long parameters, long activeParameters, long bytes, long activeBytes) {
      this(role, parameters, activeParameters, bytes, activeBytes, List.of());
    }

    /** Matrices that every token reads whole. */
    public static WeightGroup of(String role, Stream<PackedMatrix> matrices) {
      List<Stored> stored = Stored.sums(matrices.map(Stored::of));
      long parameters = stored.stream().mapToLong(Stored::weights).sum();
      long bytes = stored.stream().mapToLong(Stored::bytes).sum();
      return new WeightGroup(role, parameters, parameters, bytes, bytes, stored);
    }

    /** The same weights if a token reads {@code active} of {@code all} equal parts. */
    public WeightGroup reading(int active, int all) {
      return new WeightGroup(
          role, parameters, parameters / all * active, bytes, bytes / all * active, stored);
    }

    /** Vectors of float32 that every token reads whole; null is none. */
    public static WeightGroup vectors(String role, Stream<float[]> vectors) {
      long n = vectors.filter(Objects::nonNull).mapToLong(v -> v.length).sum();
      List<Stored> stored = List.of(new Stored(WeightFormat.F32, n, 4 * n, 0));
      return new WeightGroup(role, n, n, 4 * n, 4 * n, stored);
    }

    /** An embedding, of which a token reads one row. */
    public static WeightGroup embedding(String role, PackedMatrix m) {
      Stored stored = Stored.of(m);
      long row = m.format.bytes(1, m.in);
      return new WeightGroup(role, stored.weights(), m.in, stored.bytes(), row, List.of(stored));
    }
  }

  /** All weights by format, without tables of indices. */
  public List<Stored> stored() {
    return Stored.sums(groups.stream().flatMap(g -> g.stored().stream()));
  }

  /** All parameters. */
  public long parameters() {
    return groups.stream().mapToLong(WeightGroup::parameters).sum();
  }

  /** Bytes of all weights and their scales, as their formats store them. */
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
