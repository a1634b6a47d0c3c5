package orrery.speculation.rules;

import orrery.sampling.Sampler;

/**
 * Speculative sampling (Leviathan, Kalman and Matias, "Fast inference from transformers via
 * speculative decoding", ICML 2023, arXiv:2211.17192; Chen et al., "Accelerating large language
 * model decoding with speculative sampling", arXiv:2302.01318). The draft was drawn from q. It is
 * accepted with probability min(1, p/q); a rejected draft is replaced by a draw from max(0, p − q),
 * normalised. The rule accepts Σ min(p, q) of the drafts, the most that any rule can accept.
 *
 * <p>A draft without a distribution (prompt lookup), or one that its distribution cannot have
 * drawn, is judged as by {@link TargetOnlyRule}, which is right for any draft.
 */
public final class RejectionRule extends DistributionRule {

  public RejectionRule(Sampler sampler) {
    super(sampler);
  }

  @Override
  public double acceptance(double[] p, double[] q, int draft) {
    if (pointMass(q, draft)) {
      return p[draft];
    }
    return p[draft] >= q[draft] ? 1 : p[draft] / q[draft];
  }

  /**
   * The draft itself is never in the residual, because a draft can be rejected only where p is less
   * than q. Where p and q differ by rounding only, nothing may be left; then p itself is as good.
   */
  @Override
  public void residual(double[] p, double[] q, int draft, double[] out) {
    if (pointMass(q, draft)) {
      without(p, draft, out);
      return;
    }
    for (int t = 0; t < p.length; t++) {
      out[t] = Math.max(0, p[t] - q[t]);
    }
    normalize(out, p);
  }

  private static boolean pointMass(double[] q, int draft) {
    return q == null || q[draft] == 0;
  }
}
