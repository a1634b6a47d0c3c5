package orrery.speculation;

import orrery.sampling.Sampler;

/**
 * Accepts a draft with the target's probability of it; else draws from the target without it. Right
 * for any draft whatever, however it was found, as it looks at p alone: this is speculative
 * sampling with a drafter that is certain of its guess (a point mass). SGLang's default for chains
 * ({@code speculative_sampling.cuh}, "target only"), and vLLM's for n-gram drafts ({@code
 * v1/sample/rejection_sampler.py}).
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
