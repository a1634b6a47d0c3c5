package orrery.attention;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;

class WholeSequencesTest {
  @Test
  void fourSequencesOfEachThreadAreEnough() {
    assertThat(WholeSequences.enough(step(7), 7, 2)).isFalse();
    assertThat(WholeSequences.enough(step(8), 8, 2)).isTrue();
  }

  /** Otherwise long contexts, where reading pages in order pays most, would be read by heads. */
  @Test
  void moreSharesThanThreadsNeedNoMoreSequences() {
    assertThat(WholeSequences.enough(step(8), 8, 8)).isTrue();
  }

  private static Step step(int sequences) {
    Step step = new Step(sequences, sequences, 2, new ScalarKernels());
    for (int s = 0; s < sequences; s++) {
      step.add(0, 0, s, false);
    }
    return step;
  }
}
