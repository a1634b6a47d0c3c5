package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import orrery.graph.FusionRule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FusionRulesTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16})
  void programsOfManyRowsRunAsTheyWereLaunched(int threads) {
    assertThat(FusionRules.of(64, threads))
        .extracting(FusionRule::name)
        .isEqualTo(FusionRules.of(threads).stream().map(FusionRule::name).toList());
    assertThat(FusionRules.of(65, threads)).isEmpty();
  }
}
