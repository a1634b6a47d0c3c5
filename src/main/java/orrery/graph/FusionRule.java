package orrery.graph;

/**
 * Says which ops of a program one op can replace. A rule only proposes. {@link Fusion} proves, from
 * what all ops read and write, that the ops may stand together and that nothing reads what the
 * fused op does not write.
 */
public interface FusionRule {
  /** What becomes one op, for reports. */
  String name();

  /**
   * Proposes a match that ends with the op at {@code last}, or null if there is none, or if at
   * these shapes the ops are faster apart.
   */
  Match match(Ops ops, int last);

  /**
   * Some ops, and the one that does the same.
   *
   * @param fused leaves the same bits in all that it writes
   * @param places of the ops that it replaces, increasing; other ops may stand between them
   */
  record Match(Op fused, int... places) {}
}
