package orrery.moe;

import java.util.List;
import orrery.graph.Add;
import orrery.graph.Executor;
import orrery.graph.FusionRule;
import orrery.graph.Grid;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Ops;
import orrery.graph.SwiGlu;
import orrery.kernels.PackedMatrix;

/** What becomes one op in a feed-forward, dense or of experts. */
public final class ExpertRules {
  /** Below this balance, the products of all experts are cut better one by one. */
  private static final double LEAST_BALANCE = 0.8;

  /** In the order in which they are applied, for programs that so many threads run. */
  public static List<FusionRule> of(int threads) {
    return List.of(GateUp.RULE, new GatherGateUp(), new DownCombine(threads));
  }

  private ExpertRules() {}

  /** The rows of the experts, their gate and up products and the activation. */
  private record GatherGateUp() implements FusionRule {
    @Override
    public String name() {
      return "experts: gather + gate + up + SwiGLU";
    }

    @Override
    public Match match(Ops ops, int last) {
      if (!(ops.get(last) instanceof SwiGlu s)) {
        return null;
      }
      int gate = ops.writer(s.gate(), last);
      int up = ops.writer(s.up(), last);
      if (gate < up
          && ops.get(gate) instanceof ExpertMatMul g
          && ops.get(up) instanceof ExpertMatMul u
          && g.x() == u.x()) {
        int gather = ops.writer(g.x(), gate);
        return ops.get(gather) instanceof GatherRows rows
            ? new Match(fused(rows, g, u, s), gather, gate, up, last)
            : new Match(fused(null, g, u, s), gate, up, last); // rounded to FP8 in between
      }
      return null;
    }

    private static Op fused(GatherRows rows, ExpertMatMul g, ExpertMatMul u, SwiGlu s) {
      return new ExpertGateUp(
          rows == null ? g.x() : rows.x(),
          rows == null,
          g.w(),
          u.w(),
          g.groups(),
          s.limit(),
          s.y());
    }
  }

  /**
   * The experts' last product, their weighted sum, and what is added to it and it is added to. The
   * fused op sums over experts, so it cannot be cut by experts. With few rows and more threads than
   * divide its outputs evenly, threads would wait: the ops stay apart.
   */
  private record DownCombine(int threads) implements FusionRule {
    @Override
    public String name() {
      return "experts: down + combine + shared + residual";
    }

    @Override
    public Match match(Ops ops, int last) {
      if (!(ops.get(last) instanceof Add shared)) {
        return null;
      }
      int sum = ops.writer(shared.y(), last);
      int product = ops.writer(shared.x(), last);
      if (!(ops.get(sum) instanceof Combine combine)
          || !(ops.get(product) instanceof MatMul sharedDown)) {
        return null;
      }
      int experts = ops.writer(combine.expertOut(), sum);
      if (!(ops.get(experts) instanceof ExpertMatMul down)) {
        return null;
      }
      PackedMatrix expert = down.w()[0];
      int assignments = down.x().maxRows();
      int rowsOfExpert = Math.ceilDiv(assignments, down.w().length);
      int shares = Executor.shares(assignments * expert.weights(), threads);
      if (Grid.balance(rowsOfExpert, expert.panels, shares) < LEAST_BALANCE) {
        return null;
      }
      boolean adds = ops.get(last + 1) instanceof Add a && a.x() == shared.y();
      ExpertDown fused =
          new ExpertDown(
              down.x(),
              down.w(),
              down.groups(),
              sharedDown.x(),
              sharedDown.w(),
              adds,
              adds ? ((Add) ops.get(last + 1)).y() : shared.y());
      return adds
          ? new Match(fused, experts, sum, product, last, last + 1)
          : new Match(fused, experts, sum, product, last);
    }
  }
}
