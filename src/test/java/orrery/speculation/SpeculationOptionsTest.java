package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import orrery.speculation.SpeculationOptions.Algorithm;

class SpeculationOptionsTest {

  @Test
  void badValuesAreRefusedByName() {
    SpeculationOptions mtp =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(3);
    assertThatThrownBy(() -> mtp.withNumSteps(17))
        .hasMessage("speculative-num-steps: expected 0 to 16, found 17");
    assertThatThrownBy(() -> mtp.withDisableByBatchSize(-1)).hasMessageContaining("found -1");
    assertThatThrownBy(() -> mtp.withNgram(0, 4)).hasMessageContaining("speculative-ngram-min");
    assertThatThrownBy(() -> mtp.withNgram(2, 1)).hasMessageContaining("speculative-ngram-max");
    assertThatThrownBy(() -> mtp.withSyntheticAcceptLength(4.5))
        .hasMessageContaining("1 to speculative-num-steps + 1");
  }
}
