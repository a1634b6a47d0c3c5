package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.graph.Buffer;
import orrery.graph.Eager;
import orrery.graph.Executor;
import orrery.graph.Launcher;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.model.Forward;
import orrery.model.GreedyForward;
import orrery.sampling.History;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.speculation.DraftPicker.How;

/** Guesses from the highest logit that the MTP head finds, and from all logits. */
class DraftPickerTest {
  private static final int VOCAB = 300; // five parts
  private static final int ROWS = 4;
  private static final SamplingParams GREEDY = SamplingParams.defaults().withTemperature(0);

  /** An MTP layer whose logits a test writes. */
  private static final class Written implements Forward {
    final Buffer logits = new Buffer("logits", Step::logitRows, ROWS, VOCAB);

    @Override
    public void main(Launcher g) {}

    @Override
    public void head(Launcher g) {}

    @Override
    public void mtp(Launcher g) {}

    @Override
    public Buffer states() {
      return logits;
    }

    @Override
    public Buffer logits() {
      return logits;
    }

    @Override
    public Buffer mtpLogits() {
      return logits;
    }
  }

  private final Written written = new Written();
  private final GreedyForward forward = new GreedyForward(written);

  private static SamplingContext context(SamplingParams params) {
    return new SamplingContext(params, new History(VOCAB, 1, 2), 7, 0);
  }

  private static DraftPicker picker(How how) {
    return new DraftPicker(new Sampler(VOCAB, new int[0]), how, VOCAB);
  }

  /** Makes a guess behind each row, of which those of the context may be marked. */
  private int[] guesses(DraftPicker picker, SamplingContext d, boolean marked) {
    Step step = new Step(ROWS, 1, 1, new ScalarKernels());
    for (int row = 0; row < ROWS; row++) {
      step.add(0, row, 0, true);
      if (marked) {
        picker.mark(step, d);
      }
    }
    try (Team team = new Team(1)) {
      forward.mtp(new Eager(new Executor(team), step));
    }
    int[] guesses = new int[ROWS];
    for (int row = 0; row < ROWS; row++) {
      guesses[row] = picker.pick(forward, row, d);
    }
    return guesses;
  }

  @ParameterizedTest
  @EnumSource(How.class)
  void aGreedyGuessIsTheLowestOfTheHighestLogitsHoweverItIsFound(How how) {
    float[] logits = written.logits.data;
    Random random = new Random(3);
    for (int i = 0; i < logits.length; i++) {
      logits[i] = random.nextInt(20); // many are equal, in all parts
    }
    Arrays.fill(logits, written.logits.row(2), written.logits.row(3), -5);
    DraftPicker picker = picker(how);
    SamplingContext d = context(GREEDY);
    int[] guesses = guesses(picker, d, true);
    assertThat(guesses).isEqualTo(guesses(picker, d, false));
    assertThat(guesses[2]).isZero();
    for (int row : new int[] {0, 1, 3}) {
      assertThat(logits[written.logits.row(row) + guesses[row]]).isEqualTo(19);
    }
  }

  @Test
  void aRowWithNaNOrWithNothingButMinusInfinityGivesNoGuess() {
    float[] logits = written.logits.data;
    logits[written.logits.row(1) + 299] = Float.NaN;
    Arrays.fill(logits, written.logits.row(2), written.logits.row(3), Float.NEGATIVE_INFINITY);
    logits[written.logits.row(3) + 64] = Float.POSITIVE_INFINITY;
    int[] expected = {0, DraftPicker.NONE, DraftPicker.NONE, 64};
    for (boolean marked : new boolean[] {true, false}) {
      assertThat(guesses(picker(How.COUPLED), context(GREEDY), marked)).isEqualTo(expected);
    }
  }

  @Test
  void aGuessThatNeedsMoreThanTheHighestLogitLooksAtAllOfThem() {
    Random random = new Random(4);
    for (int i = 0; i < written.logits.data.length; i++) {
      written.logits.data[i] = (float) random.nextGaussian();
    }
    DraftPicker picker = picker(How.COUPLED);
    int[] plain = guesses(picker, context(GREEDY), true);
    SamplingParams biased = GREEDY.withLogitBias(List.of(new TokenBias(plain[0], -100)));
    for (SamplingParams params : List.of(biased, SamplingParams.defaults().withTemperature(9))) {
      int[] guesses = guesses(picker, context(params), true);
      assertThat(guesses).isEqualTo(guesses(picker, context(params), false));
      assertThat(guesses[0]).isNotEqualTo(plain[0]);
    }
  }

  @Test
  void aDrawnGuessHasItsDistributionAlsoIfItIsGreedy() {
    DraftPicker picker = picker(How.DRAWN);
    written.logits.data[written.logits.row(3) + 9] = 1;
    assertThat(guesses(picker, context(GREEDY), true)[3]).isEqualTo(9);
    assertThat(picker.distribution()).hasSize(VOCAB);
    assertThat(picker.distribution()[9]).isEqualTo(1);
  }
}
