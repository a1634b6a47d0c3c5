package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.numerics.Highest;
import orrery.quantization.WeightFormat;

/** The head with its highest logits, against a product and a look at every logit. */
class MatMulHighestTest {
  private static final int IN = 24;
  private static final int THREADS = 4;
  private static final IntPredicate ALL = row -> true;

  /** A head over some rows, with the highest logit of those that are greedy. */
  private static final class Head {
    final Step step;
    final Buffer x;
    final Buffer logits;
    final IntBuffer best;
    final PackedMatrix w;
    final int rows;

    /** Every second row of the step wants logits; those that {@code greedy} takes want no more. */
    Head(float[][] weights, int rows, IntPredicate greedy, Kernels kernels) {
      this.rows = rows;
      step = new Step(2 * rows + 1, 1, THREADS, kernels);
      for (int r = 0; r < 2 * rows; r++) {
        step.add(0, r, 0, r % 2 == 1);
        if (r % 2 == 1 && greedy.test(r / 2)) {
          step.greedy();
        }
      }
      x = new Buffer("x", Step::logitRows, rows + 1, IN);
      logits = new Buffer("logits", x.rowCount(), rows + 1, weights.length);
      best = HighestLogits.buffer(logits);
      w = PackedMatrix.of(WeightFormat.F32, weights);
      fill(x.data, new Random(5));
    }

    MatMulHighest fused(boolean cutByRows) {
      return new MatMulHighest(x, w, logits, best, cutByRows);
    }

    /** Runs an op share by share, in any order, over buffers full of nonsense. */
    void run(Op op, int shares, Random random) {
      java.util.Arrays.fill(logits.data, Float.NaN);
      java.util.Arrays.fill(best.data, 0, rows * best.cols, 1_000_003);
      List<Integer> order = new ArrayList<>();
      for (int s = 0; s < shares; s++) {
        order.add(s);
      }
      Collections.shuffle(order, random);
      order.forEach(s -> op.run(step, s, shares));
    }

    int token(int row) {
      return new HighestLogits(logits, best).token(row);
    }
  }

  private static void fill(float[] data, Random random) {
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
  }

  private static float[][] weights(int vocab) {
    Random random = new Random(vocab);
    float[][] w = new float[vocab][IN];
    for (float[] row : w) {
      fill(row, random);
    }
    return w;
  }

  /**
   * Requires the bits of the ops that it replaces, and the token that a look at all logits finds.
   */
  private static void requireTheSame(Head head) {
    Random random = new Random(11);
    head.run(new MatMul(head.x, head.w, head.logits), 1, random);
    new HighestLogits(head.logits, head.best).run(head.step, 0, 1);
    float[] logits = head.logits.data.clone();
    int[] best = head.best.data.clone();
    for (int shares = 1; shares <= THREADS; shares++) {
      for (boolean byRows : new boolean[] {false, true}) {
        for (int order = 0; order < 3; order++) {
          head.run(head.fused(byRows), shares, random);
          for (int r = 0; r < head.rows; r++) {
            for (int c = 0; c < head.logits.cols; c++) {
              int at = head.logits.row(r) + c;
              assertThat(Float.floatToRawIntBits(head.logits.data[at]))
                  .isEqualTo(Float.floatToRawIntBits(logits[at]));
            }
          }
          assertThat(head.best.data).as("%d shares", shares).isEqualTo(best);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 64, 65, 200, 777, 2048})
  void everyShareFindsTheBestOfItsColumnsAndTogetherTheyFindTheBestOfAll(int vocab) {
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      for (int rows : new int[] {1, 3, 13, 61}) {
        Head head = new Head(weights(vocab), rows, ALL, kernels);
        requireTheSame(head);
        for (int r = 0; r < rows; r++) {
          int expected = Highest.of(head.logits.data, head.logits.row(r), vocab);
          assertThat(head.token(r)).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void ofEqualLogitsInSeveralSharesTheLowestTokenWins() {
    float[][] w = weights(520);
    for (int t = 0; t < 130; t++) {
      for (int again = t + 130; again < 520; again += 130) { // in parts of other shares, elsewhere
        w[again] = w[t];
      }
    }
    Head head = new Head(w, 9, ALL, new VectorKernels());
    requireTheSame(head);
    for (int r = 0; r < 9; r++) {
      int token = head.token(r);
      assertThat(token).isBetween(0, 129);
      int row = head.logits.row(r);
      assertThat(head.logits.data[row + token + 390]).isEqualTo(head.logits.data[row + token]);
      assertThat(token).isEqualTo(Highest.of(head.logits.data, row, 520));
    }
  }

  @Test
  void aNaNInAnyPartIsFoundAndOnlyInItsOwnRow() {
    for (int bad : new int[] {0, 63, 64, 300, 519}) {
      float[][] w = weights(520);
      Head head = new Head(w, 5, ALL, new VectorKernels());
      w[bad][3] = Float.POSITIVE_INFINITY;
      Head spoilt = new Head(w, 5, ALL, new VectorKernels());
      spoilt.x.data[spoilt.x.row(2) + 3] = 0; // 0 · ∞ is NaN
      requireTheSame(spoilt);
      assertThat(spoilt.token(2)).isEqualTo(Highest.NAN);
      for (int r : new int[] {0, 1, 3, 4}) {
        boolean highest = spoilt.x.data[spoilt.x.row(r) + 3] > 0;
        head.run(head.fused(false), 1, new Random(1));
        assertThat(spoilt.token(r)).isEqualTo(highest ? bad : withoutToken(head, r, bad));
      }
    }
  }

  private static int withoutToken(Head head, int row, int token) {
    head.logits.data[head.logits.row(row) + token] = Float.NEGATIVE_INFINITY;
    return Highest.of(head.logits.data, head.logits.row(row), head.logits.cols);
  }

  @Test
  void aRowWithNothingButMinusInfinityHasNoToken() {
    float[][] w = weights(130);
    for (float[] row : w) {
      row[7] = Float.NEGATIVE_INFINITY;
    }
    Head head = new Head(w, 2, ALL, new ScalarKernels());
    head.x.data[head.x.row(0) + 7] = 1;
    head.x.data[head.x.row(1) + 7] = -1; // +∞ everywhere: the lowest token
    requireTheSame(head);
    assertThat(head.token(0)).isEqualTo(HighestLogits.NONE);
    assertThat(head.token(1)).isZero();
  }

  @Test
  void rowsThatAreNotGreedyGetTheirLogitsAndNoToken() {
    for (IntPredicate greedy : List.<IntPredicate>of(r -> r % 3 == 1, r -> false, r -> r == 12)) {
      Head head = new Head(weights(300), 13, greedy, new VectorKernels());
      requireTheSame(head);
      for (int r = 0; r < 13; r++) {
        int highest = Highest.of(head.logits.data, head.logits.row(r), 300);
        assertThat(head.token(r)).isEqualTo(greedy.test(r) ? highest : HighestLogits.NONE);
      }
    }
  }

  @Test
  void theRuleTakesAProductWhoseHighestLogitIsWantedAndNothingElse() {
    Head head = new Head(weights(100), 2, ALL, new ScalarKernels());
    Op product = new MatMul(head.x, head.w, head.logits);
    Op highest = new HighestLogits(head.logits, head.best);
    assertThat(fused(head, product, highest)).containsExactly(head.fused(false));
    Buffer like = head.logits.like("2");
    Op other = new Add(like, head.logits); // changes the logits behind the product
    assertThat(fused(head, product, other, highest)).hasSize(3);
    assertThat(fused(head, product)).hasSize(1);
  }

  private static List<Op> fused(Head head, Op... ops) {
    Set<Operand> results = Set.of(head.logits, head.best);
    StepProgram program = new StepProgram(List.of(ops));
    return Fusion.apply(program, List.of(MatMulHighest.RULE), results).program().ops();
  }
}
