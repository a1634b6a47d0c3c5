package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.numerics.Bf16;
import orrery.quantization.RowCodec;
import orrery.quantization.RowFormat;

/**
 * The tests that attention over pages must pass in every implementation of {@link Kernels} and for
 * every format of keys and values: the bits of {@link ScalarKernels} over the floats that they
 * stand for.
 */
@Tag("kernels")
abstract class AttentionContract {
  /** Heads, key/value heads, dims of a key and of a value. */
  private static final int[][] DIMS = {
    {6, 2, 32, 32}, {4, 4, 24, 20}, {3, 1, 7, 17}, {2, 1, 64, 48}, {5, 1, 8, 8}, {2, 2, 6, 33}
  };

  private final Kernels definition = new ScalarKernels();
  private final Scratch scratch = new Scratch();

  abstract Kernels kernels();

  /** The formats of cached keys and values. */
  enum Format {
    F32,
    BF16,
    FP8;

    RowFormat of(int block) {
      return switch (this) {
        case F32 -> RowFormat.F32;
        case BF16 -> RowFormat.BF16;
        case FP8 -> RowFormat.fp8(block, 0);
      };
    }

    /** What {@code n} numbers of one token and head become. */
    void round(float[] x, int at, int n) {
      switch (this) {
        case F32 -> {}
        case BF16 -> {
          for (int i = at; i < at + n; i++) {
            x[i] = Bf16.decode(Bf16.encode(x[i]));
          }
        }
        case FP8 -> {
          byte[] codes = new byte[n];
          RowCodec.decodeBlock(codes, 0, n, RowCodec.encodeBlock(x, at, n, codes, 0), x, at);
        }
      }
    }
  }

  private static float[][] rounded(Format format, float[][] rows, int block) {
    float[][] rounded = new float[rows.length][];
    for (int r = 0; r < rows.length; r++) {
      rounded[r] = rows[r].clone();
      for (int at = 0; at < rounded[r].length; at += block) {
        format.round(rounded[r], at, block);
      }
    }
    return rounded;
  }

  private static float[][] random(long seed, int rows, int width, float factor) {
    float[][] x = new float[rows][];
    for (int r = 0; r < rows; r++) {
      x[r] = KernelContract.random(seed + r, width);
      for (int i = 0; i < width; i++) {
        x[r][i] *= factor;
      }
    }
    return x;
  }

  private static AttentionShape shape(int[] dims, int pageTokens) {
    return new AttentionShape(dims[0], dims[1], dims[2], dims[3], pageTokens, 0.17f);
  }

  /** Pools of shuffled pages for one sequence; everything that must not be read is NaN. */
  private final class Paged {
    final AttentionShape shape;
    final CachedRows keys;
    final CachedRows values;
    final int[] pages;

    Paged(AttentionShape shape, Format format, int from, int to, float[][] k, float[][] v) {
      this.shape = shape;
      int used = Math.ceilDiv(to, shape.pageTokens());
      int rows = (used + 3) * shape.pageTokens();
      keys = CachedRows.allocate(format.of(shape.headDim()), shape.keyWidth(), rows);
      values = CachedRows.allocate(format.of(shape.valueStride()), shape.valueWidth(), rows);
      keys.fillNaN(0, rows);
      values.fillNaN(0, rows);
      Random r = new Random(shape.pageTokens());
      pages = r.ints(0, used + 3).distinct().limit(used).toArray();
      for (int s = from; s < to; s++) {
        for (int kv = 0; kv < shape.kvHeads(); kv++) {
          shape.putKey(keys, pages, s, kv, k[s], kv * shape.headDim());
          shape.putValue(values, pages, s, kv, v[s], kv * shape.valueDim());
        }
      }
    }

    /** Computes each head alone, the last one first; rows are [heads][headDim] after 2 floats. */
    float[] attend(Kernels kernels, float[] q, int rows, int first, int last) {
      int outStride = shape.heads() * shape.valueDim() + 1;
      float[] out = new float[rows * outStride + 3];
      for (int kv = shape.kvHeads() - 1; kv >= 0; kv--) {
        attend(kernels, q, rows, first, last, kv, kv + 1, out, outStride);
      }
      return out;
    }

    void attend(
        Kernels kernels,
        float[] q,
        int rows,
        int first,
        int last,
        int kvFrom,
        int kvTo,
        float[] out,
        int outStride) {
      kernels.attend(
          shape,
          q,
          2,
          shape.heads() * shape.headDim(),
          rows,
          keys,
          values,
          pages,
          first,
          last,
          kvFrom,
          kvTo,
          out,
          1,
          outStride,
          scratch);
    }
  }

  /** The long page holds float32: those that the numbers of each format stand for. */
  @Test
  void attentionOverAnyPagesAndInAnyBlockIsTheAttentionOverOneLongPage() {
    for (Format format : Format.values()) {
      requireAttentionOverOneLongPage(format);
    }
  }

  private void requireAttentionOverOneLongPage(Format format) {
    int slots = 79;
    for (int[] dims : DIMS) {
      float[][] k = random(100, slots, dims[1] * dims[2], 1);
      float[][] v = random(900, slots, dims[1] * dims[3], 1);
      float[][] k32 = rounded(format, k, dims[2]);
      float[][] v32 = rounded(format, v, dims[3]);
      float[] q = KernelContract.random(1, 4 * dims[0] * dims[2] + 2);
      for (int[] range : new int[][] {{0, 0}, {0, 14}, {1, 40}, {17, 17}, {30, 74}, {0, 75}}) {
        for (int rows = 1; rows <= 4; rows++) {
          int from = range[0];
          int to = range[1] + rows;
          float[] expected =
              new Paged(shape(dims, 80), Format.F32, from, to, k32, v32)
                  .attend(definition, q, rows, from, range[1]);
          for (float f : expected) {
            assertThat(f).isFinite();
          }
          for (int pageTokens : new int[] {75, 1, 4, 16, 6, 32, 7}) {
            AttentionShape shape = shape(dims, pageTokens);
            float[] out =
                new Paged(shape, format, from, to, k, v).attend(kernels(), q, rows, from, range[1]);
            KernelContract.assertSameBits(
                out, expected, shape + " rows " + rows + " slots " + Arrays.toString(range));
          }
        }
      }
    }
  }

  /** So many slots that values are mixed in parts, and pages are read in order before their use. */
  @ParameterizedTest
  @EnumSource(Format.class)
  void allHeadsTogetherOverManyPagesGiveTheBitsOfOneLongPage(Format format) {
    int slots = 1200;
    for (int[] dims : new int[][] {{6, 2, 32, 32}, {4, 4, 24, 20}, {3, 1, 8, 16}}) {
      float[][] k = random(5, slots, dims[1] * dims[2], 1);
      float[][] v = random(6, slots, dims[1] * dims[3], 1);
      float[] q = KernelContract.random(7, 2 * dims[0] * dims[2] + 2);
      for (int first : new int[] {0, 37}) {
        float[] expected =
            new Paged(
                    shape(dims, slots),
                    Format.F32,
                    first,
                    slots,
                    rounded(format, k, dims[2]),
                    rounded(format, v, dims[3]))
                .attend(definition, q, 2, first, slots - 2);
        for (int pageTokens : new int[] {16, 48, 512, 8}) {
          AttentionShape shape = shape(dims, pageTokens);
          Paged paged = new Paged(shape, format, first, slots, k, v);
          int outStride = shape.heads() * shape.valueDim() + 1;
          float[] out = new float[expected.length];
          paged.attend(kernels(), q, 2, first, slots - 2, 0, shape.kvHeads(), out, outStride);
          KernelContract.assertSameBits(out, expected, shape + " from slot " + first);
        }
      }
    }
  }

  /** FP8 loops move powers of two about, which is exact only between certain sizes. */
  @ParameterizedTest
  @EnumSource(Format.class)
  void numbersOfAnySizeGiveTheBitsOfFloats(Format format) {
    long seed = 20260;
    Random r = new Random(seed);
    for (int i = 0; i < 300; i++) {
      int[] dims = DIMS[r.nextInt(DIMS.length)];
      int last = r.nextInt(70);
      float[][] k = random(i, last + 2, dims[1] * dims[2], size(r));
      float[][] v = random(i + 99, last + 2, dims[1] * dims[3], size(r));
      float[] q = random(i + 7, 1, 2 * dims[0] * dims[2] + 2, size(r))[0];
      float[] expected =
          new Paged(
                  shape(dims, 80),
                  Format.F32,
                  0,
                  last + 2,
                  rounded(format, k, dims[2]),
                  rounded(format, v, dims[3]))
              .attend(definition, q, 2, 0, last);
      float[] out =
          new Paged(shape(dims, 16), format, 0, last + 2, k, v).attend(kernels(), q, 2, 0, last);
      KernelContract.assertSameBits(out, expected, "seed " + seed + ", case " + i);
    }
  }

  private static float size(Random r) {
    return (float) Math.pow(10, r.nextInt(3) == 0 ? r.nextInt(75) - 37 : 0);
  }

  @ParameterizedTest
  @EnumSource(Format.class)
  void aNumberThatIsNaNReachesThoseWhoSeeItAndNobodyElse(Format format) {
    AttentionShape shape = new AttentionShape(2, 2, 16, 16, 16, 0.25f);
    for (boolean isKey : new boolean[] {true, false}) {
      float[][] k = random(1, 40, 32, 1);
      float[][] v = random(50, 40, 32, 1);
      (isKey ? k : v)[21][16 + 5] = Float.NaN; // of the second head
      float[] q = KernelContract.random(1, 4 * 32 + 2);
      Paged paged = new Paged(shape, format, 0, 40, k, v);
      float[] out = paged.attend(kernels(), q, 4, 0, 18); // the newest slots are 18 to 21
      boolean all = isKey || format == Format.FP8; // a value of FP8 has one scale
      for (int r = 0; r < 4; r++) {
        for (int i = 0; i < 32; i++) {
          boolean strange = r == 3 && i >= 16 && (all || i == 16 + 5);
          assertThat(Float.isNaN(out[1 + r * 33 + i])).as("row %d, %d", r, i).isEqualTo(strange);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Format.class)
  void aRowOfABlockHasTheBitsItHasAlone(Format format) {
    int slots = 40;
    AttentionShape shape = new AttentionShape(3, 1, 16, 16, 16, 0.25f);
    float[][] k = random(1, slots, 16, 1);
    Paged paged = new Paged(shape, format, 0, slots, k, k);
    float[] q = KernelContract.random(1, 4 * 48 + 2);
    float[] block = paged.attend(kernels(), q, 4, 0, 30);
    for (int r = 0; r < 4; r++) {
      float[] shifted = new float[50];
      System.arraycopy(q, 2 + r * 48, shifted, 2, 48);
      float[] alone = paged.attend(kernels(), shifted, 1, 0, 30 + r);
      for (int i = 0; i < 48; i++) {
        assertThat(block[1 + r * 49 + i]).isEqualTo(alone[1 + i]);
      }
    }
  }

  @Test
  void theDefinitionOfAttentionIsSoftmaxOfScoresTimesValues() {
    AttentionShape shape = new AttentionShape(1, 1, 2, 1, 2, 0.5f);
    float[][] k = {{1, 0}, {0, 1}, {1, 1}};
    float[][] v = {{10}, {20}, {30}};
    float[] out =
        new Paged(shape, Format.F32, 0, 3, k, v)
            .attend(kernels(), new float[] {0, 0, 2, 4}, 1, 0, 2);
    double[] e = {Math.exp(1 - 3), Math.exp(2 - 3), 1};
    assertThat(out[1])
        .isCloseTo(
            (float) ((10 * e[0] + 20 * e[1] + 30 * e[2]) / (e[0] + e[1] + e[2])),
            org.assertj.core.data.Offset.offset(1e-5f));
  }

  @Test
  void aRowIsReadAsItWasWrittenWhereverItLies() {
    for (Format format : Format.values()) {
      for (int[] dims : DIMS) {
        for (int pageTokens : new int[] {16, 32, 5, 1, 4, 6}) {
          AttentionShape shape = shape(dims, pageTokens);
          float[][] k = random(3, 33, shape.keyWidth(), 1);
          float[][] v = random(4, 33, shape.kvHeads() * shape.valueDim(), 1);
          Paged paged = new Paged(shape, format, 0, 33, k, v);
          float[][] k32 = rounded(format, k, dims[2]);
          float[][] v32 = rounded(format, v, dims[3]);
          for (int s = 0; s < 33; s++) {
            for (int kv = 0; kv < shape.kvHeads(); kv++) {
              shape.key(paged.keys, paged.pages, s, kv, k[s], kv * dims[2], 1);
              shape.value(paged.values, paged.pages, s, kv, v[s], kv * dims[3]);
            }
            KernelContract.assertSameBits(k[s], k32[s], format + " key " + s + " of " + shape);
            KernelContract.assertSameBits(v[s], v32[s], format + " value " + s + " of " + shape);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Format.class)
  void warmingUpChangesNoBitAndWarmAttentionAllocatesNothing(Format format) {
    int slots = 70;
    float[][] k = random(1, slots, 64, 1);
    float[][] odd = random(1, slots, 2 * 31, 1);
    List<Paged> paged =
        List.of(
            new Paged(new AttentionShape(6, 2, 32, 32, 16, 0.2f), format, 0, slots, k, k),
            new Paged(new AttentionShape(6, 2, 32, 32, 4, 0.2f), format, 0, slots, k, k),
            new Paged(new AttentionShape(6, 2, 31, 31, 16, 0.2f), format, 0, slots, odd, odd));
    float[] q = KernelContract.random(1, 4 * 192 + 2);
    float[] y = new float[4 * 192 + 32];
    for (Paged p : paged) {
      IntConsumer call = i -> p.attend(kernels(), q, 1 + i % 4, i >> 2 & 3, 66, 0, 2, y, 192);
      float[][] cold = new float[16][];
      for (int i = 0; i < 16; i++) {
        Arrays.fill(y, 0.5f);
        call.accept(i);
        cold[i] = y.clone();
      }
      for (int i = 0; i < 4_000; i++) {
        call.accept(i & 15);
      }
      assertThat(KernelContract.allocatedBy(call))
          .as("bytes allocated by %s of %s", p.shape, kernels().name())
          .isZero();
      for (int i = 0; i < 16; i++) {
        Arrays.fill(y, 0.5f);
        call.accept(i);
        KernelContract.assertSameBits(y, cold[i], p.shape + " warm");
      }
    }
  }
}
