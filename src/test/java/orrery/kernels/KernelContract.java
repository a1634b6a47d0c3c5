package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.numerics.Elementary;
import orrery.quantization.ActivationRounding;
import orrery.quantization.WeightFormat;

/**
 * The tests that every implementation of {@link Kernels} must pass. It gives the bits of {@link
 * ScalarKernels} in any grouping of rows, outputs and threads, cold and warm, and it allocates
 * nothing once warm.
 *
 * <p>The build runs them at 512, 256 and 128 bits.
 */
@Tag("kernels")
abstract class KernelContract {
  /** Sizes just below, at and above every vector width and unrolling factor. */
  static final int[] SIZES = {1, 2, 7, 15, 16, 17, 31, 32, 33, 47, 64, 100, 129};

  final Kernels definition = new ScalarKernels();
  final Scratch scratch = new Scratch();

  abstract Kernels kernels();

  static List<WeightFormat> floats() {
    return List.of(WeightFormat.F32, WeightFormat.BF16);
  }

  static float[] random(long seed, int n) {
    Random r = new Random(seed);
    float[] x = new float[n]; // [n]
    for (int i = 0; i < n; i++) {
      x[i] = (float) r.nextGaussian();
    }
    return x;
  }

  static PackedMatrix matrix(WeightFormat format, int out, int in, long seed) {
    float[] w = random(seed, out * in); // [out][in]
    return PackedMatrix.pack(
        format,
        out,
        in,
        (row, into) -> {
          for (int k = 0; k < in; k++) {
            float v = w[row * in + k];
            into[k] =
                format == WeightFormat.F32
                    ? v
                    : Float.intBitsToFloat(Float.floatToIntBits(v) & 0xFFFF0000);
          }
        });
  }

  static int[] bits(float[] x) {
    int[] bits = new int[x.length]; // [n], NaN made canonical
    for (int i = 0; i < x.length; i++) {
      bits[i] = Float.floatToIntBits(x[i]);
    }
    return bits;
  }

  static void assertSameBits(float[] actual, float[] expected, String what) {
    if (!Arrays.equals(bits(actual), bits(expected))) {
      for (int i = 0; i < actual.length; i++) {
        assertThat(Float.floatToIntBits(actual[i]))
            .as("%s: element %d is %s, expected %s", what, i, actual[i], expected[i])
            .isEqualTo(Float.floatToIntBits(expected[i]));
      }
    }
  }

  private float[] product(Kernels k, PackedMatrix w, float[] x, int rows, int from, int to) {
    float[] y = new float[rows * w.panels * 16]; // [rows][panels*16]
    k.matmul(w, x, 0, w.in, rows, y, 0, w.panels * 16, from, to, scratch);
    return y;
  }

  @ParameterizedTest
  @MethodSource("floats")
  void aProductIsTheSumOverIncreasingKForEveryShape(WeightFormat format) {
    for (int out : SIZES) {
      for (int in : SIZES) {
        PackedMatrix w = matrix(format, out, in, out * 1000L + in);
        float[] x = random(in, in);
        float[] y = product(kernels(), w, x, 1, 0, w.panels);
        for (int o = 0; o < out; o++) {
          float sum = 0;
          for (int k = 0; k < in; k++) {
            sum = Math.fma(w.get(o, k), x[k], sum);
          }
          assertThat(y[o]).as("%s output %d", w, o).isEqualTo(sum);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("floats")
  void aRowHasTheSameBitsAloneAndAmongAnyNumberOfRows(WeightFormat format) {
    for (int[] shape : new int[][] {{17, 33}, {96, 192}, {130, 7}, {33, 64}}) {
      PackedMatrix w = matrix(format, shape[0], shape[1], 5);
      float[] x = random(6, 37 * w.in); // [37][in]
      for (int rows = 1; rows <= 37; rows++) {
        float[] y = product(kernels(), w, x, rows, 0, w.panels);
        float[] expected = product(definition, w, x, rows, 0, w.panels);
        assertSameBits(y, expected, w + " with " + rows + " rows");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("floats")
  void panelsComputedInAnyPartsGiveTheSameBitsAndNothingElseIsWritten(WeightFormat format) {
    PackedMatrix w = matrix(format, 200, 50, 8);
    for (int rows : new int[] {1, 3, 6, 14}) {
      float[] x = random(9, rows * w.in);
      float[] whole = product(definition, w, x, rows, 0, w.panels);
      for (int cut = 0; cut <= w.panels; cut++) {
        float[] y = new float[rows * w.panels * 16];
        Arrays.fill(y, 777f);
        kernels().matmul(w, x, 0, w.in, rows, y, 0, w.panels * 16, 0, cut, scratch);
        for (int r = 0; r < rows; r++) {
          for (int i = cut * 16; i < w.panels * 16; i++) {
            assertThat(y[r * w.panels * 16 + i]).isEqualTo(777f);
          }
        }
        kernels().matmul(w, x, 0, w.in, rows, y, 0, w.panels * 16, cut, w.panels, scratch);
        assertSameBits(y, whole, rows + " rows cut at panel " + cut);
      }
    }
  }

  @Test
  void twoThreadsGiveTheBitsOfOne() {
    PackedMatrix w = matrix(WeightFormat.BF16, 300, 96, 3);
    float[] x = random(4, 5 * w.in);
    float[] expected = product(definition, w, x, 5, 0, w.panels);
    for (int threads = 1; threads <= 3; threads++) {
      Scratch[] own = {new Scratch(), new Scratch(), new Scratch()};
      float[] y = new float[expected.length];
      try (Team team = new Team(threads)) {
        team.run(
            (share, shares) ->
                kernels()
                    .matmul(
                        w,
                        x,
                        0,
                        w.in,
                        5,
                        y,
                        0,
                        w.panels * 16,
                        w.panels * share / shares,
                        w.panels * (share + 1) / shares,
                        own[share]));
      }
      assertSameBits(y, expected, threads + " threads");
    }
  }

  @Test
  void extremeWeightsSurviveTheProduct() {
    float[] extremes = {
      0f,
      -0f,
      Float.MIN_VALUE,
      -Float.MIN_NORMAL,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      1f,
      -1f
    };
    for (WeightFormat format : floats()) {
      for (int out : new int[] {1, 7, 15, 17, 33}) {
        for (int in : new int[] {1, 2, 7, 15, 16, 33}) {
          PackedMatrix w =
              PackedMatrix.pack(
                  format,
                  out,
                  in,
                  (row, into) -> {
                    for (int k = 0; k < into.length; k++) {
                      float v = extremes[(row * 7 + k) % extremes.length];
                      into[k] =
                          format == WeightFormat.F32
                              ? v
                              : Float.intBitsToFloat(Float.floatToIntBits(v) & 0xFFFF0000);
                    }
                  });
          for (int rows : new int[] {1, 2, 3, 5}) {
            float[] x = random(out + in, rows * in);
            assertSameBits(
                product(kernels(), w, x, rows, 0, w.panels),
                product(definition, w, x, rows, 0, w.panels),
                w + " extremes");
          }
        }
      }
    }
  }

  @Test
  void rmsNormSwigluSigmoidAddSoftmaxAreTheDefinition() {
    for (int n : SIZES) {
      float[] x = random(n, n + 3);
      float[] w = random(n + 1, n);
      float[] a = new float[n + 5];
      float[] b = new float[n + 5];
      kernels().rmsNorm(x, 3, w, 0, 1e-5f, n, a, 2, scratch);
      definition.rmsNorm(x, 3, w, 0, 1e-5f, n, b, 2, scratch);
      assertSameBits(a, b, "rmsNorm " + n);
      kernels().swiglu(x, 3, w, 0, a, 1, n);
      definition.swiglu(x, 3, w, 0, b, 1, n);
      assertSameBits(a, b, "swiglu " + n);
      kernels().sigmoid(x, 1, a, 0, n);
      definition.sigmoid(x, 1, b, 0, n);
      assertSameBits(a, b, "sigmoid " + n);
      kernels().clampedSwiglu(x, 3, w, 0, 0.6f, a, 1, n);
      definition.clampedSwiglu(x, 3, w, 0, 0.6f, b, 1, n);
      assertSameBits(a, b, "clampedSwiglu " + n);
      kernels().sqrtSoftplus(x, 1, a, 0, n, scratch);
      definition.sqrtSoftplus(x, 1, b, 0, n, scratch);
      assertSameBits(a, b, "sqrtSoftplus " + n);
      kernels().add(x, 0, a, 2, n);
      definition.add(x, 0, b, 2, n);
      assertSameBits(a, b, "add " + n);
      kernels().addScaled(0.3f, x, 0, a, 2, n);
      definition.addScaled(0.3f, x, 0, b, 2, n);
      assertSameBits(a, b, "addScaled " + n);
      kernels().softmax(x, 2, a, 3, n, scratch);
      definition.softmax(x, 2, b, 3, n, scratch);
      assertSameBits(a, b, "softmax " + n);
    }
  }

  @Test
  void specialValuesPassTheElementwiseKernelsLikeTheDefinition() {
    float[] special = {
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      0f,
      -0f,
      88.7f,
      88.73f,
      -87.4f,
      -103.9f,
      -104f,
      -104.1f,
      89f,
      89.1f,
      -200f,
      1e30f,
      -1e30f,
      Float.MIN_VALUE,
      1f,
      -1f
    };
    float[] one = new float[special.length];
    Arrays.fill(one, 1f);
    float[] a = new float[special.length];
    float[] b = new float[special.length];
    kernels().swiglu(special, 0, one, 0, a, 0, special.length);
    definition.swiglu(special, 0, one, 0, b, 0, special.length);
    assertSameBits(a, b, "swiglu");
    kernels().swiglu(one, 0, special, 0, a, 0, special.length);
    definition.swiglu(one, 0, special, 0, b, 0, special.length);
    assertSameBits(a, b, "swiglu of special up");
    for (float limit : new float[] {0.6f, 10f, 1e30f, Float.POSITIVE_INFINITY}) {
      kernels().clampedSwiglu(special, 0, one, 0, limit, a, 0, special.length);
      definition.clampedSwiglu(special, 0, one, 0, limit, b, 0, special.length);
      assertSameBits(a, b, "clampedSwiglu of special gates");
      kernels().clampedSwiglu(one, 0, special, 0, limit, a, 0, special.length);
      definition.clampedSwiglu(one, 0, special, 0, limit, b, 0, special.length);
      assertSameBits(a, b, "clampedSwiglu of special up");
    }
    kernels().sqrtSoftplus(special, 0, a, 0, special.length, scratch);
    definition.sqrtSoftplus(special, 0, b, 0, special.length, scratch);
    assertSameBits(a, b, "sqrtSoftplus");
    System.arraycopy(special, 0, a, 0, special.length);
    kernels().sqrtSoftplus(a, 0, a, 0, special.length, scratch);
    assertSameBits(a, b, "sqrtSoftplus in place");
    kernels().sigmoid(special, 0, a, 0, special.length);
    definition.sigmoid(special, 0, b, 0, special.length);
    assertSameBits(a, b, "sigmoid");
    kernels().softmax(special, 3, a, 3, special.length - 3, scratch);
    definition.softmax(special, 3, b, 3, special.length - 3, scratch);
    assertSameBits(a, b, "softmax");
  }

  static List<ActivationRounding> roundings() {
    List<ActivationRounding> all = new ArrayList<>();
    for (int block : new int[] {1, 5, 16, 32, 128, WeightFormat.WHOLE}) {
      all.add(new ActivationRounding(block, false));
      all.add(new ActivationRounding(block, true));
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("roundings")
  void activationsAreRoundedAsTheDefinitionSaysInRowsOfAnyLength(ActivationRounding rounding) {
    for (int n : new int[] {1, 2, 7, 15, 16, 17, 31, 33, 64, 127, 129, 300, 576}) {
      for (float size : new float[] {1e-30f, 1e-6f, 1e-3f, 1, 1e5f, 1e37f}) {
        float[] x = random(n, n + 3);
        for (int i = 0; i < x.length; i++) {
          x[i] *= size * (float) Math.scalb(1.0, i % 23 - 11); // all codes, also subnormal ones
        }
        float[] a = new float[n + 5];
        float[] b = new float[n + 5];
        kernels().roundActivations(rounding, x, 3, n, a, 2);
        definition.roundActivations(rounding, x, 3, n, b, 2);
        assertSameBits(a, b, rounding + ", " + n + " of " + size);
        float[] inPlace = x.clone();
        kernels().roundActivations(rounding, inPlace, 3, n, inPlace, 3);
        assertSameBits(
            Arrays.copyOfRange(inPlace, 3, n + 3), Arrays.copyOfRange(b, 2, n + 2), "in place");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("roundings")
  void tiesZerosNaNAndInfinityAreRoundedAsTheDefinitionSays(ActivationRounding rounding) {
    for (float special : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1f, -0f, 1e-45f}) {
      float[] x = new float[301];
      for (int i = 0; i < 256; i++) { // the codes and what lies halfway between two of them
        x[i] = (float) Math.scalb(8 + i % 16 / 2.0, i / 16 - 9);
      }
      x[0] = 448;
      x[140] = special;
      x[141] = -0f;
      x[300] = special; // the values before it are a block of zeros
      float[] a = new float[x.length];
      float[] b = new float[x.length];
      kernels().roundActivations(rounding, x, 0, x.length, a, 0);
      definition.roundActivations(rounding, x, 0, x.length, b, 0);
      assertSameBits(a, b, rounding + " with " + special);
      boolean poisons = !(Math.abs(special) < Float.POSITIVE_INFINITY);
      assertThat(Float.isNaN(a[140])).isEqualTo(poisons);
      assertThat(Float.isNaN(a[0])).isEqualTo(poisons && rounding.block() > 140);
    }
  }

  @Test
  void theClampedSwigluCutsTheGateAboveAndTheOtherFactorOnBothSides() {
    float[] gate = {5, 5, -5, -5, 0.25f};
    float[] up = {3, -3, 3, -3, 0.5f};
    float[] y = new float[5];
    kernels().clampedSwiglu(gate, 0, up, 0, 2, y, 0, 5);
    float high = Elementary.silu(2) * 2;
    float low = Elementary.silu(-5) * 2; // the gate has no lower limit
    assertThat(y).containsExactly(high, -high, low, -low, Elementary.silu(0.25f) * 0.5f);
    float[] free = new float[5];
    kernels().swiglu(gate, 0, up, 0, free, 0, 5);
    kernels().clampedSwiglu(gate, 0, up, 0, 5, y, 0, 5);
    assertThat(y).as("a limit that nothing reaches").isEqualTo(free);
  }

  @Test
  void mixingStreamsIsTheDefinitionInAnyColumns() {
    for (int n : new int[] {1, 2, 3, 4, 5, 7, 8, 9}) {
      for (int d : new int[] {1, 7, 16, 17, 33, 130, 257, 600}) {
        float[] a = random(n, d + 2);
        float[] post = random(n + 1, n + 1);
        float[] comb = random(n + 2, n * n + 3);
        float[] x = random(n + 3, n * d + 2);
        float[] expected = x.clone();
        for (int k = 0; k < n; k++) {
          for (int c = 0; c < d; c++) {
            float mixed = post[1 + k] * a[2 + c];
            for (int j = 0; j < n; j++) {
              mixed = Math.fma(comb[3 + j * n + k], x[1 + j * d + c], mixed);
            }
            expected[1 + k * d + c] = mixed;
          }
        }
        int cut = d / 3;
        for (int[] columns : new int[][] {{cut, d}, {0, cut}}) {
          kernels()
              .streams()
              .mix(a, 2, post, 1, comb, 3, x, 1, n, d, columns[0], columns[1], scratch);
        }
        assertSameBits(x, expected, n + " streams of " + d);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ropeRotatesPairsAndLeavesTheRest(boolean interleaved) {
    for (int pairs : new int[] {1, 4, 8, 15, 16, 17, 33}) {
      float[] cos = random(1, pairs + 2);
      float[] sin = random(2, pairs + 2);
      float[] x = random(3, 2 * pairs + 9);
      float[] y = x.clone();
      kernels().rope(x, 4, cos, sin, 2, pairs, interleaved);
      for (int i = 0; i < pairs; i++) {
        int ai = 4 + (interleaved ? 2 * i : i);
        int bi = interleaved ? ai + 1 : ai + pairs;
        assertThat(x[ai]).isEqualTo(Math.fma(y[ai], cos[2 + i], -(y[bi] * sin[2 + i])));
        assertThat(x[bi]).isEqualTo(Math.fma(y[bi], cos[2 + i], y[ai] * sin[2 + i]));
      }
      for (int i : new int[] {0, 1, 2, 3, 2 * pairs + 4, 2 * pairs + 8}) {
        assertThat(x[i]).isEqualTo(y[i]);
      }
    }
  }

  @Test
  void argmaxAndTopKTakeTheLowestIndexOnTiesAndNaNLast() {
    float[] x = {Float.NaN, 3f, 5f, -1f, 5f, Float.NEGATIVE_INFINITY, 3f, 5f, -0f, 0f};
    assertThat(kernels().argmax(x, 0, x.length)).isEqualTo(2);
    assertThat(kernels().argmax(x, 3, 4)).isEqualTo(1);
    int[] top = new int[x.length + 1];
    kernels().topK(x, 0, x.length, x.length, top, 1);
    assertThat(top).containsExactly(0, 2, 4, 7, 1, 6, 8, 9, 3, 5, 0);
    kernels().topK(x, 1, 9, 2, top, 0);
    assertThat(top).startsWith(1, 3);
    assertThatThrownBy(() -> kernels().topK(x, 0, 2, 3, top, 0))
        .hasMessageContaining("0 <= k <= 2, found 3");
  }

  @Test
  void warmingUpChangesNoBitAndAWarmKernelAllocatesNothing() {
    PackedMatrix[] matrices = {
      matrix(WeightFormat.F32, 100, 65, 1), matrix(WeightFormat.BF16, 100, 65, 1)
    };
    float[] x = random(1, 37 * 100);
    float[] w = random(2, 37 * 112);
    float[] y = new float[37 * 112];
    int[] top = new int[8];
    List<ActivationRounding> roundings = roundings();
    IntConsumer[] calls = {
      i -> kernels().matmul(matrices[i & 1], x, 0, 65, 1 + (i >> 1) % 8, y, 0, 112, 0, 7, scratch),
      i -> kernels().matmul(matrices[i & 1], x, 0, 65, 37, y, 0, 112, 0, 7, scratch),
      i -> kernels().rmsNorm(x, 0, w, 0, 1e-6f, 65, y, 0, scratch),
      i -> kernels().rope(y, 0, w, x, 0, 17, (i & 1) == 1),
      i -> kernels().swiglu(x, 0, w, 0, y, 0, 65),
      i -> kernels().clampedSwiglu(x, 0, w, 0, 0.6f, y, 0, 65),
      i -> kernels().sqrtSoftplus(x, 0, y, 0, 65, scratch),
      i -> kernels().streams().mix(x, 0, w, 0, x, 9, y, 0, 1 + i % 8, 65, i, 65, scratch),
      i -> y[0] = kernels().inverseRms(x, 0, 1e-6f, 65, scratch),
      i -> kernels().sigmoid(x, 0, y, 0, 65),
      i -> kernels().roundActivations(roundings.get(i % roundings.size()), x, 0, 65, y, 0),
      i -> kernels().add(x, 0, y, 0, 65),
      i -> kernels().addScaled(0.5f, x, 0, y, 0, 65),
      i -> kernels().softmax(x, 0, y, 0, 65, scratch),
      i -> kernels().topK(x, 0, 65, 8, top, 0),
    };
    for (int c = 0; c < calls.length; c++) {
      float[][] cold = new float[16][];
      for (int i = 0; i < 16; i++) {
        Arrays.fill(y, 0.5f);
        calls[c].accept(i);
        cold[i] = y.clone();
      }
      for (int i = 0; i < 4_000; i++) {
        calls[c].accept(i & 15);
      }
      assertThat(allocatedBy(calls[c]))
          .as("bytes allocated by call %d of %s", c, kernels().name())
          .isZero();
      for (int i = 0; i < 16; i++) {
        Arrays.fill(y, 0.5f);
        calls[c].accept(i);
        assertSameBits(y, cold[i], "call " + c + " warm");
      }
    }
  }

  /**
   * Bytes that 160 calls allocate once the JIT has compiled the kernel. Its compiler thread may be
   * busy with other code, so this method waits for it, up to five minutes.
   */
  static long allocatedBy(IntConsumer call) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long bytes = 0;
    long giveUp = System.nanoTime() + 300_000_000_000L;
    while (System.nanoTime() < giveUp) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 160; i++) {
        call.accept(i & 15);
      }
      bytes = threads.getCurrentThreadAllocatedBytes() - before;
      if (bytes == 0) {
        return 0;
      }
      for (int i = 0; i < 2_000; i++) {
        call.accept(i & 15);
      }
      LockSupport.parkNanos(20_000_000);
    }
    return bytes;
  }
}
