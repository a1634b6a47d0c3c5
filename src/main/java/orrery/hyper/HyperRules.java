package orrery.hyper;

import java.util.List;
import java.util.stream.IntStream;
import orrery.graph.FusionRule;
import orrery.graph.MatMul;
import orrery.graph.Ops;
import orrery.graph.RmsNorm;

/** What becomes one op around residual streams. */
public final class HyperRules {
  private HyperRules() {}

  /** In the order in which they are applied, for programs that so many threads run. */
  public static List<FusionRule> of(int threads) {
    return List.of(new PostPre(threads));
  }

  /**
   * The end of one sublayer, and the begin of the next up to its norm. With fewer rows than threads
   * the ops stay apart, since some of them can be split within a row.
   */
  private record PostPre(int threads) implements FusionRule {
    @Override
    public String name() {
      return "streams: expand + weights + collapse + norm";
    }

    @Override
    public Match match(Ops ops, int last) {
      if (!(ops.get(last) instanceof RmsNorm norm) || norm.heads() != 1 || norm.x() == norm.y()) {
        return null;
      }
      if (norm.y().maxRows() < threads) {
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
      if (!(ops.get(product) instanceof MatMul m) || m.x() != c.x() || m.w() != w.site().fn()) {
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
