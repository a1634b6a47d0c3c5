package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import orrery.kernels.ScalarKernels;

/** The rows that drop out of a chain of drafts. */
class StepTest {
  @Test
  void theFirstRowsOfAStepCanBeKeptWhereEachWantsItsLogits() {
    Step step = new Step(4, 1, 1, new ScalarKernels());
    for (int p = 0; p < 4; p++) {
      step.add(10 + p, p, p + 1, 0, true);
    }
    step.keepFirst(4);
    step.keepFirst(2);
    assertThat(step.rows()).isEqualTo(2);
    assertThat(step.logitRows()).isEqualTo(2);
    assertThat(step.logitRow).startsWith(0, 1);
    assertThat(step.slot).startsWith(1, 2);
    assertThatThrownBy(() -> step.keepFirst(3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("keep 3 rows of 2, of which 2 want logits");
    step.add(9, 9, 0, false);
    assertThatThrownBy(() -> step.keepFirst(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("keep 1 rows of 3, of which 2 want logits");
    step.clear();
    step.keepFirst(0);
    assertThat(step.rows()).isZero();
  }
}
