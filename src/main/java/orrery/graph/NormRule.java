package orrery.graph;

/**
 * Puts a norm into the op that multiplies its rows. Each share then norms all rows, since a product
 * is split by outputs. For few rows that takes less time than a hand-over; so the rule keeps away
 * from larger buckets.
 *
 * @param mostRows rows of the largest bucket that it changes
 */
public record NormRule(int mostRows) implements FusionRule {
  @Override
  public String name() {
    return "norm into product";
  }

  @Override
  public Match match(Ops ops, int last) {
    if (ops.get(last) instanceof TakesNorm op && op.input().norm() == null) {
      int at = ops.writer(op.input().x(), last);
      if (ops.get(at) instanceof RmsNorm n
          && n.heads() == 1
          && n.x() != n.y()
          && n.x().rowCount() == n.y().rowCount()
          && !op.writes().contains(n.x()) // another share may still norm it
          && n.y().maxRows() <= mostRows) {
        return new Match(op.with(new InputRows(n.x(), n.weight(), n.eps())), at, last);
      }
    }
    return null;
  }
}
