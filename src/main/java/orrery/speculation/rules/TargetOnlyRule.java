package orrery.speculation.rules;

import orrery.sampling.Sampler;

/**
 * Accepts a draft with the target's probability of it; otherwise draws from the target without the
 * draft. The rule looks at p alone, so it is right for every draft, however it was found. It is
 * speculative sampling with a drafter that is certain of its guess (a point mass). SGLang uses it
 * by default for chains ({@code speculative_sampling.cuh}, "target only"), vLLM for n-gram drafts
 * ({@code v1/sample/rejection_sampler.py}).
 */
public final class TargetOnlyRule extends DistributionRule {

  public TargetOnlyRule(Sampler sampler) {
    super(sampler);
  }

  @Override
  public double acceptance(double[] p, double[] q, int draft) {
    return p[draft];
  }

  @Override
  public void residual(double[] p, double[] q, int draft, double[] out) {
    without(p, draft, out);
  }
}
