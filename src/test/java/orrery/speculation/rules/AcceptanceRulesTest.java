package orrery.speculation.rules;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.sampling.Sampler;
import orrery.speculation.CoupledRule;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;

class AcceptanceRulesTest {

  @Test
  void theRuleIsTheAskedForOneOrSynthetic() {
    Sampler sampler = new Sampler(4);
    SpeculationOptions mtp =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(3);
    SpeculationOptions rejection = mtp.withAcceptance(Acceptance.REJECTION);
    assertThat(AcceptanceRules.of(mtp, sampler)).isInstanceOf(CoupledRule.class);
    assertThat(AcceptanceRules.of(mtp.withAcceptance(Acceptance.TARGET_ONLY), sampler))
        .isInstanceOf(TargetOnlyRule.class);
    assertThat(AcceptanceRules.of(rejection, sampler)).isInstanceOf(RejectionRule.class);
    assertThat(AcceptanceRules.of(rejection.withSyntheticAcceptLength(1.5), sampler))
        .isInstanceOf(SyntheticRule.class);
  }
}
