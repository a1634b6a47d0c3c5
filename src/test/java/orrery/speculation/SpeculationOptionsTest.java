package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;

class SpeculationOptionsTest {

  @Test
  void eachWithChangesItsOwnComponentOnly() {
    SpeculationOptions all =
        SpeculationOptions.off()
            .withAlgorithm(Algorithm.NGRAM)
            .withSteps(7)
            .withAdaptive(true)
            .withMaxBatch(9)
            .withAcceptance(Acceptance.REJECTION)
            .withCoupledDrafts(false)
            .withNgramMax(6)
            .withNgramMin(5)
            .withSyntheticLength(2.5);
    assertThat(all)
        .isEqualTo(
            new SpeculationOptions(
                Algorithm.NGRAM, 7, true, 9, Acceptance.REJECTION, false, 5, 6, 2.5));
    assertThat(SpeculationOptions.of(Algorithm.MTP, 2))
        .isEqualTo(
            new SpeculationOptions(Algorithm.MTP, 2, false, 0, Acceptance.COUPLED, true, 2, 4, 0));
  }

  @Test
  void badValuesAreRefusedByName() {
    SpeculationOptions mtp = SpeculationOptions.of(Algorithm.MTP, 3);
    assertThatThrownBy(() -> mtp.withSteps(17))
        .hasMessage("speculative-num-steps: expected 0 to 16, found 17");
    assertThatThrownBy(() -> mtp.withMaxBatch(-1)).hasMessageContaining("found -1");
    assertThatThrownBy(() -> mtp.withNgramMin(0)).hasMessageContaining("speculative-ngram-min");
    assertThatThrownBy(() -> mtp.withNgramMax(1)).hasMessageContaining("speculative-ngram-max");
    assertThatThrownBy(() -> mtp.withSyntheticLength(4.5))
        .hasMessageContaining("1 to speculative-num-steps + 1");
  }
}
