package orrery.hyper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.hyper.HyperBench.Result;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.quantization.WeightFormat;

/** Compares hyper-connections with their formulas in double, and runs with other runs. */
class HyperConnectionTest {
  private static final int ROWS = 7;

  private static float[][] streams(HyperBench bench, long seed) {
    return HyperBench.gaussians(new Random(seed), ROWS, bench.n * bench.d, 2f);
  }

  private static float[][] outputs(HyperBench bench, long seed) {
    return HyperBench.gaussians(new Random(-seed), ROWS, bench.d, 1f);
  }

  /** m = fn · x / √(mean(x²) + ε). */
  private static double[] normedProducts(float[][] fn, float[] x) {
    double squares = 0;
    for (float v : x) {
      squares += (double) v * v;
    }
    double rms = Math.sqrt(squares / x.length + HyperBench.EPS);
    double[] m = new double[fn.length];
    for (int o = 0; o < fn.length; o++) {
      for (int i = 0; i < x.length; i++) {
        m[o] += (double) fn[o][i] * x[i] / rms;
      }
    }
    return m;
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The matrix that mixes the streams, [n][n], by the formulas of the paper. */
  private static double[][] comb(double[] m, HyperConnection site) {
    int n = site.streams();
    double[][] c = new double[n][n];
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int k = 0; k < n; k++) {
        int at = 2 * n + j * n + k;
        c[j][k] = Math.exp(m[at] * site.scale()[2] + site.base()[at]);
        sum += c[j][k];
      }
      for (int k = 0; k < n; k++) {
        c[j][k] = c[j][k] / sum + site.hcEps();
      }
    }
    for (int i = 0; i < site.iterations(); i++) {
      for (int j = 0; i > 0 && j < n; j++) {
        double sum = Arrays.stream(c[j]).sum() + site.hcEps();
        for (int k = 0; k < n; k++) {
          c[j][k] /= sum;
        }
      }
      for (int k = 0; k < n; k++) {
        double sum = site.hcEps();
        for (int j = 0; j < n; j++) {
          sum += c[j][k];
        }
        for (int j = 0; j < n; j++) {
          c[j][k] /= sum;
        }
      }
    }
    return c;
  }

  private static void assertClose(float[] actual, double[] expected, String what) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat((double) actual[i]).as("%s %d", what, i).isCloseTo(expected[i], within(1e-5));
    }
  }

  /** Whether a row of a result is what the formulas say about the streams x and the output a. */
  private static void assertRow(HyperBench bench, Result result, int r, float[] x, float[] a) {
    HyperConnection site = bench.site;
    int n = bench.n;
    int d = bench.d;
    double[] m = normedProducts(bench.fn, x);
    double[][] comb = comb(m, site);
    double[] y = new double[d];
    double[] mixed = new double[n * d];
    for (int j = 0; j < n; j++) {
      double pre = sigmoid(m[j] * site.scale()[0] + site.base()[j]) + site.hcEps();
      double post = 2 * sigmoid(m[n + j] * site.scale()[1] + site.base()[n + j]);
      assertThat((double) result.pre()[r][j]).as("pre").isCloseTo(pre, within(1e-6));
      assertThat((double) result.post()[r][j]).as("post").isCloseTo(post, within(2e-6));
      for (int c = 0; c < d; c++) {
        y[c] += pre * x[j * d + c];
        mixed[j * d + c] += post * a[c];
        for (int k = 0; k < n; k++) {
          mixed[k * d + c] += comb[j][k] * x[j * d + c];
        }
      }
    }
    assertClose(result.y()[r], y, "the sublayer's input");
    assertClose(
        result.comb()[r], Arrays.stream(comb).flatMapToDouble(Arrays::stream).toArray(), "comb");
    assertClose(result.x()[r], mixed, "the streams");
    double[] headM = normedProducts(bench.headFn, result.x()[r]);
    double[] h = new double[d];
    for (int j = 0; j < n; j++) {
      HeadCollapse head = bench.head;
      double pre = sigmoid(headM[j] * head.scale()[0] + head.base()[j]) + head.hcEps();
      for (int c = 0; c < d; c++) {
        h[c] += pre * result.x()[r][j * d + c];
      }
    }
    assertClose(result.h()[r], h, "what the head reads");
  }

  @ParameterizedTest
  @CsvSource({"1,5", "2,16", "3,7", "4,64", "4,33", "5,48", "8,19"})
  void theWeightsTheInputAndTheStreamsAreThoseOfTheFormulas(int n, int d) {
    for (int iterations : new int[] {1, 2, 3, 20}) {
      HyperBench bench = new HyperBench(n, d, iterations, n * 100 + d);
      float[][] x = streams(bench, 3);
      float[][] a = outputs(bench, 3);
      Result result = bench.run(new ScalarKernels(), 1, x, a);
      for (int r = 0; r < ROWS; r++) {
        assertRow(bench, result, r, x[r], a[r]);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,5", "2,16", "3,7", "4,64", "4,33", "5,48", "8,19", "4,300"})
  void kernelsSharesAndBatchMatesChangeNoBit(int n, int d) {
    HyperBench bench = new HyperBench(n, d, HyperBench.ITERATIONS, 5);
    float[][] x = streams(bench, 4);
    float[][] a = outputs(bench, 4);
    Result expected = bench.run(new ScalarKernels(), 1, x, a);
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      for (int shares = 1; shares <= 5; shares++) {
        Result together = bench.run(kernels, shares, x, a);
        assertSame(together, expected, kernels.name() + ", " + shares + " shares");
        for (int r = 0; r < ROWS; r++) {
          Result alone = bench.run(kernels, shares, new float[][] {x[r]}, new float[][] {a[r]});
          assertThat(alone.x()[0])
              .as("row %d alone, %d shares", r, shares)
              .isEqualTo(expected.x()[r]);
          assertThat(alone.y()[0]).isEqualTo(expected.y()[r]);
          assertThat(alone.h()[0]).isEqualTo(expected.h()[r]);
        }
      }
    }
  }

  private static void assertSame(Result actual, Result expected, String what) {
    assertThat(actual.y()).as(what).isDeepEqualTo(expected.y());
    assertThat(actual.pre()).as(what).isDeepEqualTo(expected.pre());
    assertThat(actual.post()).as(what).isDeepEqualTo(expected.post());
    assertThat(actual.comb()).as(what).isDeepEqualTo(expected.comb());
    assertThat(actual.x()).as(what).isDeepEqualTo(expected.x());
    assertThat(actual.h()).as(what).isDeepEqualTo(expected.h());
  }

  /**
   * comb is made to say: stream 0 becomes stream 1, stream 1 becomes stream 2, stream 2 becomes
   * stream 0. Read with rows and columns exchanged it would say the opposite.
   */
  @Test
  void streamKOfTheResultTakesColumnKOfComb() {
    int n = 3;
    float[] base = new float[(2 + n) * n];
    Arrays.fill(base, n, 2 * n, -100f); // post is 0: the sublayer adds nothing
    for (int j = 0; j < n; j++) {
      base[2 * n + j * n + (j + 1) % n] = 60f;
    }
    PackedMatrix zero = PackedMatrix.of(WeightFormat.F32, new float[(2 + n) * n][n]);
    HyperConnection site =
        new HyperConnection(zero, base, new float[] {1, 1, 1}, n, 1, 20, 1e-6f, 1e-6f);
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      Step step = new Step(1, 1, 1, kernels);
      step.add(0, 0, 0, false);
      Buffer x = new Buffer("x", Step::rows, 1, n);
      System.arraycopy(new float[] {10, 20, 30}, 0, x.data, 0, n);
      HyperConnection.Space s = new HyperConnection.Space(Step::rows, 1, n);
      new MixWeights(site, x, s.dots, s.pre, s.post, s.comb).run(step, 0, 1); // all dots are 0
      new Expand(new Buffer("a", Step::rows, 1, 1), s.post, s.comb, x).run(step, 0, 1);
      List<Integer> streams = IntStream.range(0, n).mapToObj(k -> Math.round(x.data[k])).toList();
      assertThat(streams).as("streams, each moved on by one").isEqualTo(List.of(30, 10, 20));
    }
  }

  @Test
  void oneStreamIsAnOrdinaryResidualStreamBesideItsTwoWeights() {
    HyperBench bench = new HyperBench(1, 24, HyperBench.ITERATIONS, 8);
    float[][] x = streams(bench, 9);
    float[][] a = outputs(bench, 9);
    Result result = bench.run(new VectorKernels(), 1, x, a);
    for (int r = 0; r < ROWS; r++) {
      assertThat(result.comb()[r][0]).isCloseTo(1f, within(3e-6f));
      for (int c = 0; c < 24; c++) {
        float plain = x[r][c] + result.post()[r][0] * a[r][c];
        assertThat(result.x()[r][c]).isCloseTo(plain, within(3e-5f));
        assertThat(result.y()[r][c]).isEqualTo(result.pre()[r][0] * x[r][c]);
      }
    }
  }

  /** A mean over the streams is kept, because the columns of comb sum to 1. */
  @Test
  void mixingKeepsTheSumOfTheStreams() {
    HyperBench bench = new HyperBench(4, 32, HyperBench.ITERATIONS, 21);
    float[][] x = streams(bench, 22);
    float[][] none = new float[ROWS][32];
    Result result = bench.run(new VectorKernels(), 1, x, none);
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < 32; c++) {
        float before = 0;
        float after = 0;
        for (int j = 0; j < 4; j++) {
          before += x[r][j * 32 + c];
          after += result.x()[r][j * 32 + c];
        }
        assertThat(after).isCloseTo(before, within(1e-3f));
      }
    }
  }

  @Test
  void aNaNStaysInItsRow() {
    HyperBench bench = new HyperBench(4, 20, HyperBench.ITERATIONS, 30);
    float[][] x = streams(bench, 31);
    float[][] a = outputs(bench, 31);
    Result clean = bench.run(new VectorKernels(), 1, x, a);
    x[2][17] = Float.NaN;
    Result result = bench.run(new VectorKernels(), 1, x, a);
    for (int r = 0; r < ROWS; r++) {
      if (r == 2) {
        assertThat(result.x()[r]).containsOnly(Float.NaN);
        assertThat(result.h()[r]).containsOnly(Float.NaN);
      } else {
        assertThat(result.x()[r]).isEqualTo(clean.x()[r]);
      }
    }
  }

  @Test
  void shapesThatDoNotFitAreRefused() {
    PackedMatrix fn = PackedMatrix.of(WeightFormat.F32, new float[8][6]);
    float[] eight = new float[8];
    float[] three = new float[3];
    new HyperConnection(fn, eight, three, 2, 3, 1, 1e-6f, 1e-6f);
    assertThatThrownBy(() -> new HyperConnection(fn, eight, three, 2, 4, 1, 1e-6f, 1e-6f))
        .hasMessage(
            "hyper-connection of 2 x 4: fn f32[8,6], base of 8, scale of 3: shapes do not fit");
    assertThatThrownBy(() -> new HyperConnection(fn, three, three, 2, 3, 1, 1e-6f, 1e-6f))
        .hasMessageContaining("base of 3");
    assertThatThrownBy(() -> new HyperConnection(fn, eight, eight, 2, 3, 1, 1e-6f, 1e-6f))
        .hasMessageContaining("scale of 8");
    assertThatThrownBy(() -> new HyperConnection(fn, eight, three, 2, 3, 0, 1e-6f, 1e-6f))
        .hasMessage("hyper-connection: expected at least 1 stream and 1 iteration, found 2 and 0");
    PackedMatrix headFn = PackedMatrix.of(WeightFormat.F32, new float[2][6]);
    new HeadCollapse(headFn, new float[2], new float[1], 2, 3, 1e-6f, 1e-6f);
    assertThatThrownBy(() -> new HeadCollapse(headFn, new float[2], three, 2, 3, 1e-6f, 1e-6f))
        .hasMessage(
            "head collapse of 2 x 3: fn f32[2,6], base of 2, scale of 3: shapes do not fit");
  }

  @Test
  void opsRefuseBuffersOfOtherShapes() {
    HyperBench bench = new HyperBench(2, 3, 1, 1);
    Buffer two = buffer(2);
    Buffer three = buffer(3);
    Buffer four = buffer(4);
    Buffer six = buffer(6);
    Buffer eight = buffer(8);
    new MixWeights(bench.site, six, eight, two, two, four);
    assertThatThrownBy(() -> new MixWeights(bench.site, eight, eight, two, two, four))
        .hasMessageContaining("2 streams of b8[8]");
    assertThatThrownBy(() -> new MixWeights(bench.site, six, eight, two, two, three))
        .hasMessageContaining("shapes do not fit");
    assertThatThrownBy(() -> new HeadWeights(bench.head, six, three, two))
        .hasMessageContaining("b3[3]");
    assertThatThrownBy(() -> new Collapse(six, two, two)).hasMessageContaining("b6[6]");
    assertThatThrownBy(() -> new Expand(three, two, three, six)).hasMessageContaining("b3[3]");
    assertThatThrownBy(() -> new Repeat(four, six)).hasMessageContaining("streams of b4[4]");
  }

  private static Buffer buffer(int cols) {
    return new Buffer("b" + cols, Step::rows, 1, cols);
  }
}
