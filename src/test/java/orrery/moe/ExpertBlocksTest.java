package orrery.moe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.graph.Buffer;
import orrery.graph.Capture;
import orrery.graph.Fusion;
import orrery.graph.Op;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.PackedMatrix;
import orrery.kernels.VectorKernels;
import orrery.quantization.WeightFormat;

/** Fused experts: when they are fused, and more rows than a block of {@link ExpertDown} has. */
class ExpertBlocksTest {
  private static final int MOST = 500; // two whole blocks and a third one
  private static final int HIDDEN = 24;
  private static final int INNER = 20;
  private static final int SHARES = 2;
  private static final RowCount ROWS = Step::rows;
  private static final RouterSpec SPEC =
      new RouterSpec(RouterSpec.Score.SIGMOID, 5, 2, 1, 1, true, 1f);

  private final Random random = new Random(11);

  private float[] numbers(int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  private PackedMatrix matrix(int out, int in) {
    return PackedMatrix.pack(
        WeightFormat.F32, out, in, (row, into) -> System.arraycopy(numbers(in), 0, into, 0, in));
  }

  private PackedMatrix[] matrices(int n, int out, int in) {
    PackedMatrix[] all = new PackedMatrix[n];
    for (int i = 0; i < n; i++) {
      all[i] = matrix(out, in);
    }
    return all;
  }

  private MixtureOfExperts experts(int inner) {
    FeedForward shared =
        new FeedForward(matrix(inner, HIDDEN), matrix(inner, HIDDEN), matrix(HIDDEN, inner), 0f);
    return new MixtureOfExperts(
        SPEC,
        matrix(5, HIDDEN),
        numbers(5),
        null,
        matrices(5, inner, HIDDEN),
        matrices(5, inner, HIDDEN),
        matrices(5, HIDDEN, inner),
        0f,
        shared);
  }

  private List<Op> fused(int rows, int inner, int threads) {
    var space = new MixtureOfExperts.Space(SPEC, ROWS, rows, HIDDEN, inner, inner);
    Buffer h = new Buffer("h", ROWS, rows, HIDDEN);
    Buffer out = new Buffer("out", ROWS, rows, HIDDEN);
    StepProgram launched = Capture.of(g -> experts(inner).run(g, h, space, out, "router"));
    return Fusion.apply(launched, ExpertRules.of(threads), Set.of(out)).program().ops();
  }

  /** The fused op would have two panels of outputs, and sums over experts. */
  @Test
  void theLastProductStaysApartWhereThreadsWouldWaitForTheFewThatHaveAPanel() {
    int large = 4096;
    assertThat(fused(8, large, 16)).doesNotHaveAnyElementsOfTypes(ExpertDown.class);
    assertThat(fused(8, large, 1)).hasAtLeastOneElementOfType(ExpertDown.class);
    assertThat(fused(8, INNER, 16))
        .as("so little work that one thread does it")
        .hasAtLeastOneElementOfType(ExpertDown.class);
  }

  @Test
  void rowsOfSeveralBlocksGetTheSameBitsFused() {
    MixtureOfExperts experts = experts(INNER);
    var space = new MixtureOfExperts.Space(SPEC, ROWS, MOST, HIDDEN, INNER, INNER);
    Buffer h = new Buffer("h", ROWS, MOST, HIDDEN);
    Buffer out = new Buffer("out", ROWS, MOST, HIDDEN);
    System.arraycopy(numbers(h.data.length), 0, h.data, 0, h.data.length);
    StepProgram launched = Capture.of(g -> experts.run(g, h, space, out, "router"));
    List<Op> fused = Fusion.apply(launched, ExpertRules.of(1), Set.of(out)).program().ops();
    assertThat(fused).hasAtLeastOneElementOfType(ExpertDown.class);
    Step step = new Step(MOST, 1, SHARES, new VectorKernels());
    for (int rows : new int[] {239, 240, 241, MOST}) {
      while (step.rows() < rows) {
        step.add(0, step.rows(), 0, false);
      }
      float[] expected = run(launched.ops(), step, 1, out);
      assertThat(run(fused, step, SHARES, out)).as("%d rows", rows).containsExactly(expected);
    }
  }

  private static float[] run(List<Op> ops, Step step, int shares, Buffer out) {
    Arrays.fill(out.data, -1f);
    for (Op op : ops) {
      int n = op.serial() ? 1 : shares;
      for (int s = 0; s < n; s++) {
        op.run(step, s, n);
      }
    }
    float[] all = new float[step.rows() * HIDDEN]; // without padding
    for (int r = 0; r < step.rows(); r++) {
      System.arraycopy(out.data, out.row(r), all, r * HIDDEN, HIDDEN);
    }
    return all;
  }
}
