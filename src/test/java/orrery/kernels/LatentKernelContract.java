package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import orrery.NaiveRows;
import orrery.kv.KvDtype;
import orrery.numerics.Elementary;
import orrery.quantization.RowFormat;

/**
 * The tests that every implementation of {@link LatentKernels} must pass: the bits of the
 * definition for any number of heads, columns and rows, and no allocation once warm.
 *
 * <p>The build runs them at 512, 256 and 128 bits.
 */
@Tag("kernels")
abstract class LatentKernelContract {
  /** Heads by columns: below, at and above whole vectors. */
  private static final int[][] SHAPES = {
    {1, 2}, {3, 7}, {4, 16}, {4, 33}, {5, 32}, {8, 24}, {16, 32}, {17, 48}, {33, 16}, {64, 40}
  };

  private static final int[] ROWS = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130};

  private final Scratch scratch = new Scratch();

  abstract Kernels kernels();

  private final LatentKernels definition = new ScalarKernels().latent();

  /** Formats of a row: all kinds, with blocks and tails that fill no vector. */
  private static List<RowFormat> formats(int width) {
    return List.of(
        RowFormat.F32,
        RowFormat.BF16,
        RowFormat.fp8(64, 0),
        RowFormat.fp8(64, width / 2),
        RowFormat.fp8(5, width / 3),
        RowFormat.fp8(17, 0),
        RowFormat.fp8(1, width));
  }

  /** Cached rows at shuffled places of two sides, with NaN everywhere else. */
  private static final class Cached {
    final CachedRows near;
    final CachedRows far;
    final int[] rows; // [n] the place of each row
    final int nearRows;

    Cached(RowFormat format, float[][] content, int nearRows, long seed) {
      this.nearRows = nearRows;
      int n = content.length;
      Random random = new Random(seed);
      rows = random.ints(0, n + 2).distinct().limit(n).toArray();
      near = CachedRows.allocate(format, content[0].length, n + 2);
      far = CachedRows.allocate(format, content[0].length, n + 2);
      near.fillNaN(0, n + 2);
      far.fillNaN(0, n + 2);
      for (int i = 0; i < n; i++) {
        (i < nearRows ? near : far).write(rows[i], content[i], 0);
      }
    }

    Cached(float[][] content, int nearRows, long seed) {
      this(RowFormat.F32, content, nearRows, seed);
    }

    /** The near rows as floats, if they are floats. */
    float[] floats() {
      return ((F32Rows) near).data();
    }

    /** Where each near row begins in {@link #floats}. */
    int[] starts() {
      return Arrays.stream(rows).map(r -> r * near.width()).toArray();
    }
  }

  private static float[][] content(int n, int width, long seed) {
    float[][] rows = new float[n][]; // [n][width]
    Arrays.setAll(rows, i -> KernelContract.random(seed + i, width));
    return rows;
  }

  private float[] attend(
      LatentKernels k, float[] q, int heads, int headDim, float[] sink, Cached c, int n) {
    float[] out = new float[heads * headDim + 5];
    Arrays.fill(out, 777f);
    k.attend(
        q,
        2,
        heads,
        headDim,
        0.31f,
        sink,
        1,
        c.near,
        c.far,
        c.rows,
        Math.min(n, c.nearRows),
        n,
        out,
        3,
        scratch);
    return out;
  }

  @Test
  void attentionIsTheDefinitionForAnyHeadsColumnsAndRowsAndReadsNoOtherRow() {
    for (int[] shape : SHAPES) {
      float[] q = KernelContract.random(shape[0], shape[0] * shape[1] + 2);
      float[] sink = KernelContract.random(7, shape[0] + 1);
      for (int n : ROWS) {
        float[][] content = content(n, shape[1], 31);
        for (RowFormat format : formats(shape[1])) {
          for (int near : new int[] {n, 0, n / 2}) {
            Cached cached = new Cached(format, content, near, 5);
            float[] expected = attend(definition, q, shape[0], shape[1], sink, cached, n);
            float[] found = attend(kernels().latent(), q, shape[0], shape[1], sink, cached, n);
            String what = Arrays.toString(shape) + " over " + n + ", " + near + " near, " + format;
            KernelContract.assertSameBits(found, expected, what);
            for (int i = 0; i < found.length; i++) {
              boolean outside = i < 3 || i >= 3 + shape[0] * shape[1];
              assertThat(found[i]).as("%s, element %d", what, i).isFinite();
              assertThat(found[i] == 777f).as("%s, element %d", what, i).isEqualTo(outside);
            }
          }
        }
      }
    }
  }

  @Test
  void rowsOfFewBitsAreTheFloatsThatTheyStandFor() {
    int heads = 5;
    int width = 150; // 140 columns in blocks of 64, and a tail
    float[] q = KernelContract.random(1, heads * width + 2);
    float[] sink = KernelContract.random(2, heads + 1);
    for (KvDtype dtype : KvDtype.values()) {
      float[][] content = content(2 * LatentKernels.DECODED + 3, width, 44);
      float[][] floats = NaiveRows.stored(dtype, content, 64, 10);
      int n = content.length;
      Cached stored = new Cached(dtype.format(64, 10), content, n / 2, 8);
      Cached plain = new Cached(floats, n / 2, 8);
      KernelContract.assertSameBits(
          attend(kernels().latent(), q, heads, width, sink, stored, n),
          attend(definition, q, heads, width, sink, plain, n),
          "attention over " + dtype);
      KernelContract.assertSameBits(
          indexScores(kernels().latent(), q, heads, width, sink, stored.near, stored.rows, n / 2),
          indexScores(definition, q, heads, width, sink, plain.near, plain.rows, n / 2),
          "scores of " + dtype);
    }
  }

  @Test
  void aPartOfTheHeadsHasTheBitsThatAllHeadsGive() {
    int heads = 19;
    int headDim = 24;
    float[] q = KernelContract.random(1, heads * headDim);
    float[] sink = KernelContract.random(2, heads);
    Cached c = new Cached(content(21, headDim, 3), 12, 4);
    float[] whole = new float[heads * headDim];
    float[] parts = new float[heads * headDim];
    for (int part = 1; part <= heads; part++) {
      for (int h = 0; h < heads; h += part) {
        int n = Math.min(part, heads - h);
        int at = h * headDim;
        kernels()
            .latent()
            .attend(
                q, at, n, headDim, 0.2f, sink, h, c.near, c.far, c.rows, 12, 21, parts, at,
                scratch);
      }
      if (part == 1) {
        System.arraycopy(parts, 0, whole, 0, whole.length);
      }
      KernelContract.assertSameBits(parts, whole, part + " heads at a time");
    }
  }

  @Test
  void aSinkFarBelowAllScoresGivesTheBitsOfClassicAttention() {
    for (int[] shape : SHAPES) {
      int heads = shape[0];
      int headDim = shape[1];
      float[] q = KernelContract.random(1, heads * headDim + 2);
      float[] sink = new float[heads + 1];
      Arrays.fill(sink, -1e30f);
      for (int n : ROWS) {
        float[][] content = content(n, headDim, 9);
        float[] found =
            attend(kernels().latent(), q, heads, headDim, sink, new Cached(content, n / 3, 2), n);
        AttentionShape classic = new AttentionShape(heads, 1, headDim, headDim, n, 0.31f);
        CachedRows keys = CachedRows.allocate(RowFormat.F32, classic.keyWidth(), n);
        CachedRows values = CachedRows.allocate(RowFormat.F32, classic.valueWidth(), n);
        for (int s = 0; s < n; s++) {
          classic.putKey(keys, new int[1], s, 0, content[s], 0);
          classic.putValue(values, new int[1], s, 0, content[s], 0);
        }
        float[] expected = new float[heads * headDim + 5];
        Arrays.fill(expected, 777f);
        int width = heads * headDim;
        new ScalarKernels()
            .attend(
                classic,
                q,
                2,
                width,
                1,
                keys,
                values,
                new int[1],
                0,
                n - 1,
                0,
                1,
                expected,
                3,
                width,
                scratch);
        KernelContract.assertSameBits(found, expected, Arrays.toString(shape) + " over " + n);
      }
    }
  }

  @Test
  void aSinkTakesItsPartOfTheSoftmaxAndGivesNothing() {
    Cached c = new Cached(new float[][] {{1, 0}, {0, 1}, {1, 1}}, 1, 1);
    float[] out =
        attend(kernels().latent(), new float[] {0, 0, 2, 4}, 1, 2, new float[] {0, 5}, c, 3);
    double s = 0.31f;
    double[] e = {Math.exp(2 * s), Math.exp(4 * s), Math.exp(6 * s), Math.exp(5)};
    double sum = e[0] + e[1] + e[2] + e[3];
    assertThat(out[3]).isCloseTo((float) ((e[0] + e[2]) / sum), within());
    assertThat(out[4]).isCloseTo((float) ((e[1] + e[2]) / sum), within());
  }

  private static org.assertj.core.data.Offset<Float> within() {
    return org.assertj.core.data.Offset.offset(1e-5f);
  }

  @Test
  void anEntryIsTheDefinitionForAnyChannelsAndSlots() {
    for (int channels : KernelContract.SIZES) {
      for (int n : new int[] {1, 2, 3, 4, 8, 12, 128}) {
        int gate = channels + 3;
        Cached c = new Cached(content(n, gate + channels, n), n, 8);
        float[] found = new float[channels + 4];
        float[] expected = new float[channels + 4];
        kernels().latent().compress(c.floats(), c.starts(), n, gate, channels, found, 2, scratch);
        definition.compress(c.floats(), c.starts(), n, gate, channels, expected, 2, scratch);
        KernelContract.assertSameBits(found, expected, channels + " channels of " + n);
        for (int i = 0; i < found.length; i++) {
          assertThat(found[i]).isFinite();
          assertThat(found[i] != 0).isEqualTo(i >= 2 && i < channels + 2);
        }
      }
    }
  }

  @Test
  void theDefinitionOfAnEntryIsTheMeanByTheSoftmaxOfTheGates() {
    float[] state = {10, -1, 0.5f, 2, 20, 3, 1.5f, -2}; // two rows: two channels, two gates
    float[] out = new float[2];
    kernels().latent().compress(state, new int[] {0, 4}, 2, 2, 2, out, 0, scratch);
    double e = Math.exp(1);
    double f = Math.exp(-4);
    assertThat(out[0]).isCloseTo((float) ((10 + 20 * e) / (1 + e)), within());
    assertThat(out[1]).isCloseTo((float) ((-1 + 3 * f) / (1 + f)), within());
  }

  @Test
  void scoresOfAnIndexAreTheDefinitionForAnyHeadsColumnsAndKeys() {
    for (int[] shape : SHAPES) {
      float[] q = KernelContract.random(shape[0], shape[0] * shape[1] + 2);
      float[] weights = KernelContract.random(6, shape[0] + 1);
      for (int n : ROWS) {
        for (RowFormat format : formats(shape[1])) {
          Cached c = new Cached(format, content(n, shape[1], 77), n, 3);
          float[] found =
              indexScores(kernels().latent(), q, shape[0], shape[1], weights, c.near, c.rows, n);
          float[] expected =
              indexScores(definition, q, shape[0], shape[1], weights, c.near, c.rows, n);
          KernelContract.assertSameBits(
              found, expected, Arrays.toString(shape) + " on " + n + ", " + format);
          assertThat(found).startsWith(0, 0, 0).endsWith(0).doesNotContain(Float.NaN);
        }
      }
    }
  }

  private float[] indexScores(
      LatentKernels k,
      float[] q,
      int heads,
      int headDim,
      float[] weights,
      CachedRows keys,
      int[] rows,
      int n) {
    float[] scores = new float[n + 4];
    k.indexScores(q, 2, heads, headDim, weights, 1, 0.7f, keys, rows, n, scores, 3, scratch);
    return scores;
  }

  @Test
  void aScoreOfAnIndexSumsTheWeightedMatchesThatArePositive() {
    float[] q = {1, 2, -3, 1, 0, -1}; // three heads of two columns
    float[] score = new float[1];
    kernels()
        .latent()
        .indexScores(
            q,
            0,
            3,
            2,
            new float[] {2, 100, -4},
            0,
            0.5f,
            new F32Rows(2, new float[] {3, -1}),
            new int[] {0},
            1,
            score,
            0,
            scratch);
    assertThat(score[0]).isEqualTo(0.5f * 2 * 1 + 0.5f * -4 * 1);
  }

  @Test
  void aSelectionIsWhatTopKTakesInIncreasingOrder() {
    Random random = new Random(4);
    float[] special = {Float.NaN, -0f, 0f, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 1, -1};
    for (int n : new int[] {1, 2, 3, 16, 17, 200, 1024}) {
      for (int kind = 0; kind < 4; kind++) {
        float[] x = new float[n + 2]; // [n] from 2 on
        for (int i = 0; i < x.length; i++) {
          x[i] =
              switch (kind) {
                case 0 -> (float) random.nextGaussian();
                case 1 -> random.nextInt(5) - 2; // many equal ones
                case 2 -> special[random.nextInt(special.length)];
                default -> Float.intBitsToFloat(random.nextInt());
              };
        }
        for (int k : new int[] {0, 1, n / 3, n / 2, n - 1, n}) {
          int[] expected = new int[n];
          kernels().topK(x, 2, n, k, expected, 0);
          Arrays.sort(expected, 0, k);
          int[] found = new int[n + 2];
          Arrays.fill(found, -7);
          kernels().latent().select(x, 2, n, k, found, 1, scratch);
          assertThat(Arrays.copyOfRange(found, 1, k + 1))
              .as("%d of %d, kind %d", k, n, kind)
              .isEqualTo(Arrays.copyOf(expected, k));
          assertThat(found[0] + found[k + 1]).isEqualTo(-14);
        }
      }
    }
    assertThatThrownBy(
            () -> kernels().latent().select(new float[2], 0, 2, 3, new int[3], 0, scratch))
        .hasMessageContaining("0 <= k <= 2, found 3");
  }

  @Test
  void aUnitNormIsTheNormWithWeightsOfOne() {
    for (int n : KernelContract.SIZES) {
      float[] x = KernelContract.random(n, n + 3);
      float[] ones = new float[n];
      Arrays.fill(ones, 1f);
      float[] found = new float[n + 5];
      float[] expected = new float[n + 5];
      kernels().unitNorm(x, 3, 1e-6f, n, found, 2, scratch);
      new ScalarKernels().rmsNorm(x, 3, ones, 0, 1e-6f, n, expected, 2, scratch);
      KernelContract.assertSameBits(found, expected, "unit norm of " + n);
    }
  }

  @Test
  void extremeScoresPassLikeTheDefinition() {
    float[][] extreme = {
      {1e30f, 1}, {-1e30f, 1}, {Float.MIN_VALUE, -0f}, {0, 0}, {Float.NaN, 1}, {1, Float.NaN}
    };
    for (int n = 1; n <= extreme.length; n++) {
      Cached c = new Cached(Arrays.copyOf(extreme, n), 2, n);
      for (float sink : new float[] {0, 1e38f, -1e38f, Elementary.EXP_MIN}) {
        float[] q = {0, 0, 2, -3, 0, 1, 1e10f, 5};
        float[] sinks = {0, sink, sink, sink};
        KernelContract.assertSameBits(
            attend(kernels().latent(), q, 3, 2, sinks, c, n),
            attend(definition, q, 3, 2, sinks, c, n),
            n + " extremes, sink " + sink);
      }
    }
  }

  @Test
  void warmingUpChangesNoBitAndAWarmKernelAllocatesNothing() {
    List.of(RowFormat.F32, RowFormat.BF16, RowFormat.fp8(16, 7)).forEach(this::requireWarm);
  }

  private void requireWarm(RowFormat format) {
    float[] q = KernelContract.random(1, 20 * 40);
    float[] weights = KernelContract.random(2, 64);
    Cached c = new Cached(format, content(150, 40, 3), 50, 4);
    Cached state = new Cached(content(80, 40, 3), 80, 4);
    int[] starts = state.starts();
    float[] y = new float[20 * 40];
    int[] selected = new int[30];
    IntConsumer[] calls = {
      i ->
          kernels()
              .latent()
              .attend(
                  q, 0, 5 + i, 40, 0.1f, weights, 0, c.near, c.far, c.rows, 50, 120 + i, y, 0,
                  scratch),
      i -> kernels().latent().compress(state.floats(), starts, 4 + i, 20, 17, y, 0, scratch),
      i ->
          kernels()
              .latent()
              .indexScores(
                  q, 0, 5 + i, 40, weights, 0, 0.1f, c.near, c.rows, 30 + i, y, 0, scratch),
      i -> {
        kernels().latent().select(q, i, 600, 30, selected, 0, scratch);
        for (int j = 0; j < selected.length; j++) {
          y[j] = selected[j];
        }
      },
      i -> kernels().unitNorm(q, i, 1e-6f, 70, y, 0, scratch),
    };
    for (int call = 0; call < calls.length; call++) {
      float[][] cold = new float[15][];
      for (int i = 0; i < 15; i++) {
        Arrays.fill(y, 0.5f);
        calls[call].accept(i);
        cold[i] = y.clone();
      }
      for (int i = 0; i < 4_000; i++) {
        calls[call].accept(i % 15);
      }
      IntConsumer measured = calls[call];
      assertThat(KernelContract.allocatedBy(i -> measured.accept(i % 15)))
          .as("bytes allocated by call %d of %s over %s", call, kernels().name(), format)
          .isZero();
      for (int i = 0; i < 15; i++) {
        Arrays.fill(y, 0.5f);
        calls[call].accept(i);
        KernelContract.assertSameBits(y, cold[i], "call " + call + " warm");
      }
    }
  }
}
