package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.quantization.ActivationRounding;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/** Products with quantised weights multiply rounded rows, and no other op sees these rows. */
class RoundedInputsTest {
  private static final int ROWS = 3;
  private static final ActivationRounding BLOCKS = new ActivationRounding(4, true);
  private static final ActivationRounding ROW = new ActivationRounding(WeightFormat.WHOLE, false);

  private final Random random = new Random(7);
  private final Buffer x = buffer("x", 6);
  private final RoundedInputs.Space space = new RoundedInputs.Space();

  private static Buffer buffer(String name, int cols) {
    return new Buffer(name, Step::rows, ROWS, cols);
  }

  private float[] numbers(int n) {
    float[] numbers = new float[n];
    for (int i = 0; i < n; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private PackedMatrix quantised(int out, int in, ActivationRounding input) {
    ArrayMatrix m =
        new BlockQuantizer(WeightFormat.MXFP8, ScaleRule.CEIL).quantize(numbers(out * in), out, in);
    return PackedMatrix.pack(
        new ArrayMatrix(m.format(), out, in, m.codes(), m.grid(), m.tensorScale(), input));
  }

  private List<String> lines(Consumer<Launcher> program) {
    return LaunchedOps.of(g -> program.accept(new RoundedInputs(g, space))).stream()
        .map(Op::line)
        .toList();
  }

  @Test
  void productsThatReadTheSameRowsShareOneRounding() {
    PackedMatrix q = quantised(8, 6, ROW);
    PackedMatrix plain = PackedMatrix.of(WeightFormat.F32, new float[2][6]);
    assertThat(
            lines(
                g -> {
                  g.matmul(x, q, buffer("q", 8));
                  g.matmul(x, plain, buffer("router", 2));
                  g.matmul(x, quantised(4, 6, ROW), buffer("k", 4));
                }))
        .containsExactly(
            "x.fp8[6] = fp8(x[6])",
            "q[8] = " + q + " · x.fp8[6]",
            "router[2] = f32[2,6] · x[6]",
            "k[4] = mxfp8[4,6] · x.fp8[6]");
    assertThat(space.bytes()).as("one buffer").isEqualTo(ROWS * Buffer.bytes(6));
  }

  @Test
  void rowsThatHaveChangedAreRoundedAgainIntoTheSameBuffer() {
    Buffer y = buffer("y", 6);
    PackedMatrix w = quantised(6, 6, ROW);
    Consumer<Launcher> program =
        g -> {
          g.matmul(x, w, y);
          g.headNorm(x, new float[3], 1e-5f, 2); // in place
          g.matmul(x, w, y);
          g.add(y, buffer("other", 6));
          g.matmul(x, w, y);
          g.matmul(y, w, x);
          g.matmul(x, w, y);
        };
    List<String> lines = lines(program);
    assertThat(lines.stream().filter(line -> line.contains("fp8(x")).count()).isEqualTo(3);
    assertThat(lines.stream().filter(line -> line.contains("fp8(y")).count()).isEqualTo(1);
    assertThat(space.bytes()).isEqualTo(2 * ROWS * Buffer.bytes(6));
    assertThat(lines(program)).as("another pass rounds anew").isEqualTo(lines);
  }

  @Test
  void anotherRuleForTheSameRowsHasABufferOfItsOwn() {
    lines(
        g -> {
          g.matmul(x, quantised(8, 6, ROW), buffer("q", 8));
          g.matmul(x, quantised(8, 6, BLOCKS), buffer("k", 8));
        });
    assertThat(space.bytes()).isEqualTo(2 * ROWS * Buffer.bytes(6));
  }

  @Test
  void matricesOfOneProductMustRoundTheirInputAlike() {
    PackedMatrix[] w = {quantised(2, 3, ROW), quantised(2, 3, BLOCKS)};
    assertThatThrownBy(() -> lines(g -> g.matmul(x, w, buffer("y", 4))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("y[4]", "expected weights whose input is rounded alike");
  }

  @Test
  void aProductIsTheSumOverTheRoundedRowAndEachGroupHasBlocksOfItsOwn() {
    System.arraycopy(numbers(x.data.length), 0, x.data, 0, x.data.length);
    float[] before = x.data.clone();
    PackedMatrix[] w = {quantised(4, 3, BLOCKS), quantised(4, 3, BLOCKS)};
    PackedMatrix one = quantised(5, 6, BLOCKS);
    for (boolean captured : new boolean[] {false, true}) {
      for (int threads = 1; threads <= 2; threads++) {
        Buffer grouped = buffer("grouped", 8);
        Buffer whole = buffer("whole", 5);
        Step step = new Step(ROWS, 1, threads, new ScalarKernels());
        for (int r = 0; r < ROWS; r++) {
          step.add(1, r, 0, false);
        }
        Consumer<Launcher> forward =
            to -> {
              RoundedInputs g = new RoundedInputs(to, space);
              g.matmul(x, w, grouped);
              g.matmul(x, one, whole);
            };
        try (Team team = new Team(threads)) {
          Executor executor = new Executor(team);
          if (captured) {
            Capture.of(forward).run(executor, step);
          } else {
            forward.accept(new Eager(executor, step));
          }
        }
        for (int r = 0; r < ROWS; r++) {
          float[] row = Arrays.copyOfRange(x.data, x.row(r), x.row(r) + 6);
          for (int o = 0; o < 4; o++) {
            assertThat(grouped.data[grouped.row(r) + o]).isEqualTo(sum(w[0], o, row, 0));
            assertThat(grouped.data[grouped.row(r) + 4 + o]).isEqualTo(sum(w[1], o, row, 3));
          }
          for (int o = 0; o < 5; o++) {
            assertThat(whole.data[whole.row(r) + o]).isEqualTo(sum(one, o, row, 0));
          }
        }
      }
    }
    assertThat(x.data).as("the rows themselves").isEqualTo(before);
  }

  private static float sum(PackedMatrix w, int o, float[] row, int from) {
    float[] y = new float[w.in];
    BLOCKS.round(row, from, w.in, y, 0);
    float sum = 0;
    for (int k = 0; k < w.in; k++) {
      sum = Math.fma(w.get(o, k), y[k], sum);
    }
    return sum;
  }

  @Test
  void whoWatchesBuffersSeesThem() {
    List<String> seen = new ArrayList<>();
    Launcher watcher =
        new Launcher() {
          @Override
          public void launch(Op op) {}

          @Override
          public void tap(String name, Buffer buffer) {
            seen.add(name + " " + buffer);
          }

          @Override
          public void tap(String name, IntBuffer buffer) {
            seen.add(name);
          }
        };
    RoundedInputs g = new RoundedInputs(watcher, space);
    g.tap("floats", x);
    g.tap("ints", (IntBuffer) null);
    assertThat(seen).containsExactly("floats x[6]", "ints");
  }
}
