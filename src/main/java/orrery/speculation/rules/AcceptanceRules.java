package orrery.speculation.rules;

import orrery.sampling.Sampler;
import orrery.speculation.AcceptanceRule;
import orrery.speculation.CoupledRule;
import orrery.speculation.SpeculationOptions;

/** Makes the acceptance rule that the switches ask for. */
public final class AcceptanceRules {
  private AcceptanceRules() {}

  /**
   * The rule of one engine. It shares the sampler's scratch memory, so it must run on the sampler's
   * thread.
   */
  public static AcceptanceRule of(SpeculationOptions options, Sampler sampler) {
    if (options.syntheticAcceptLength() > 0) {
      return new SyntheticRule(sampler, options.syntheticAcceptLength());
    }
    return switch (options.acceptance()) {
      case COUPLED -> new CoupledRule(sampler);
      case TARGET_ONLY -> new TargetOnlyRule(sampler);
      case REJECTION -> new RejectionRule(sampler);
    };
  }
}
