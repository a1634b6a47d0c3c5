package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.graph.FusionRule;

class FusionRulesTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16})
  void programsOfManyRowsRunAsTheyWereLaunched(int threads) {
    assertThat(FusionRules.of(32, threads))
        .extracting(FusionRule::name)
        .isEqualTo(FusionRules.of(threads).stream().map(FusionRule::name).toList());
    assertThat(FusionRules.of(33, threads)).isEmpty();
  }
}
