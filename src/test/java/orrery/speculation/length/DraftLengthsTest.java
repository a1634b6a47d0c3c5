package orrery.speculation.length;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

class DraftLengthsTest {

  @Test
  void theLengthIsFixedAdaptiveOrOffAboveABatch() {
    SpeculationOptions mtp =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(3);
    assertThat(DraftLengths.of(mtp)).isEqualTo(new FixedLength(3));
    assertThat(DraftLengths.of(mtp.withAdaptive(true))).isInstanceOf(AdaptiveLength.class);
    assertThat(DraftLengths.of(mtp.withDisableByBatchSize(4)))
        .isEqualTo(new OffAbove(4, new FixedLength(3)));
    assertThat(DraftLengths.of(mtp.withNumSteps(0).withAdaptive(true)).next(1)).isZero();
    assertThat(DraftLengths.of(SpeculationOptions.defaults()).most()).isZero();
  }
}
