package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;

/** Tokens that one step decides and the next one begins with. */
class FutureTokensTest {
  private final FutureTokens tokens = new FutureTokens(3);

  @Test
  void aStepGetsTheTokensInPlaceOfItsPlaceholders() {
    tokens.write(0, 41);
    tokens.write(2, 0);
    Step step = new Step(4, 4, 1, new ScalarKernels());
    step.add(FutureTokens.placeholder(2), 9, 0, true);
    step.add(7, 0, 1, true);
    step.add(FutureTokens.placeholder(0), 5, 2, true);
    tokens.resolve(step);
    assertThat(step.token).startsWith(0, 7, 41);
  }

  @Test
  void aTokenThatIsNotDecidedYetIsNotRead() {
    tokens.write(0, 41);
    assertThatThrownBy(() -> tokens.read(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("future token 1: expected a token, found nothing written");
  }

  @Test
  void aTokenIsReadOnce() {
    tokens.write(1, 5);
    assertThat(tokens.read(1)).isEqualTo(5);
    assertThatThrownBy(() -> tokens.read(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("future token 1: expected a token, found one that was read");
  }

  @Test
  void aTokenIsWrittenOnce() {
    tokens.write(1, 5);
    assertThatThrownBy(() -> tokens.write(1, 6))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("future token 1: expected it unwritten, found token 5");
  }
}
