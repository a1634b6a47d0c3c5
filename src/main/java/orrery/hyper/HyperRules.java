package orrery.hyper;

import java.util.List;
import java.util.stream.IntStream;
import orrery.graph.FusionRule;
import orrery.graph.MatMul;
import orrery.graph.Ops;
import orrery.graph.RmsNorm;

/** What becomes one op around residual streams. */
public final class HyperRules {
  /** In the order in which they are applied. */
  public static final List<FusionRule> ALL = List.of(new PostPre());

  private HyperRules() {}

  /** The end of one sublayer, and the begin of the next up to its norm. */
  private record PostPre() implements FusionRule {
    @Override
    public String name() {
      return "streams: expand + weights + collapse + norm";
    }

    @Override
    public Match match(Ops ops, int last) {
      if (!(ops.get(last) instanceof RmsNorm norm) || norm.heads() != 1 || norm.x() == norm.y()) {
        return null;
      }
      int collapse = ops.writer(norm.x(), last);
      if (!(ops.get(collapse) instanceof Collapse c)) {
        return null;
      }
      int weights = ops.writer(c.pre(), collapse);
      if (!(ops.get(weights) instanceof MixWeights w) || w.x() != c.x()) {
        return null;
      }
      int product = ops.writer(w.dots(), weights);
      if (!(ops.get(product) instanceof MatMul m) || m.x() != c.x()) {
        return null;
      }
      int before = ops.writer(c.x(), product);
      Expand expand =
          ops.get(before) instanceof Expand e && e.post() == w.post() && e.comb() == w.comb()
              ? e
              : null;
      int[] places = {before, product, weights, collapse, last};
      return new Match(
          new Reconnect(expand, w, norm.weight(), norm.eps(), norm.y()),
          expand == null ? IntStream.of(places).skip(1).toArray() : places);
    }
  }
}
