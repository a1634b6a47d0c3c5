package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static orrery.kernels.RowLoops.B;
import static orrery.kernels.VectorKernels.BYTES;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * The loops of attention over keys and values of FP8 (E4M3): some codes become bf16 in the nearest
 * cache, and then take the loops of {@link Bf16AttentionLoops}. (Decoded in the registers of those
 * loops, four numbers of a word need more registers than there are at 256 bits.)
 *
 * <pre>
 *   32 bits of a lane                    code 3   code 1   code 2   code 0      s eeee mmm each
 *   moved up by 8, down by 4, as bf16    1: s0000eeeemmm0000   0: s0000eeeemmm0000
 *   moved down by 4, as bf16             3: s0000eeeemmm0000   2: s0000eeeemmm0000
 * </pre>
 *
 * <p>So a code comes to the place of a float's exponent and mantissa. It is its number by 2^-120
 * then, because exponents count from 7 in a code and from 127 in a float. No factor brings each
 * number back. That factor is a power of two, as the scale is, and a power of two may be taken out
 * of a sum, or moved from one factor of a product to the other: every rounding stays the same, as
 * long as no number becomes so small or so large that a float cannot hold it.
 *
 * <pre>
 *   a score    Σ q · (c · s)  =  (Σ (q · 2^60) · (c · 2^-120)) · 2^60 · s
 *   a value    p · (c · s)    =  (p · s · 2^120) · (c · 2^-120)
 * </pre>
 *
 * <p>For scores all is well if s ≤ 2^49 and each |q| is 0 or from 2^-57 to 2^40: then every product
 * is a multiple of 2^-149, the least float. (A scale that was written is 2^-22 or more; see {@code
 * RowFormat}.) For values it is if s ≤ 2^7, because p ≤ 1. These methods return false if a number
 * is beyond that, or NaN, and the caller decodes number by number.
 */
final class Fp8AttentionLoops {
  private static final short SIGN_AND_CODE = (short) 0x87F0;
  private static final float LEAST_Q = 0x1p-57f;
  private static final float MOST_Q = 0x1p40f;
  private static final int LIFT = 60;
  private static final int MOST_KEY_SCALE = 127 + 49; // the code of 2^49
  private static final int REBASE = 120;
  private static final int MOST_VALUE_SCALE = 127 + 7;

  private static final int[] ONE_RUN = {0};

  private Fp8AttentionLoops() {}

  /**
   * Copies the queries, times 2^60.
   *
   * @param query [queries] where each query starts in q
   * @param lifted [queries][headDim]
   * @param starts [queries] receives where each query starts in {@code lifted}
   * @return whether scores may be computed from them
   */
  static boolean lift(
      float[] q, int[] query, int queries, int headDim, float[] lifted, int[] starts) {
    for (int i = 0; i < queries; i++) {
      starts[i] = i * headDim;
      int at = query[i];
      int d = 0;
      for (; d + LANES <= headDim; d += LANES) {
        FloatVector x = FloatVector.fromArray(F, q, at + d);
        FloatVector size = x.abs();
        if (size.compare(LT, LEAST_Q).and(size.compare(NE, 0f)).anyTrue()
            || !size.compare(LT, MOST_Q).allTrue()) {
          return false;
        }
        x.mul(0x1p60f).intoArray(lifted, i * headDim + d);
      }
      for (; d < headDim; d++) {
        float size = Math.abs(q[at + d]);
        if (size < LEAST_Q && size != 0 || !(size < MOST_Q)) {
          return false;
        }
        lifted[i * headDim + d] = q[at + d] * 0x1p60f;
      }
    }
    return true;
  }

  /**
   * Scores of all queries against two tiles of 16 keys.
   *
   * @param lifted the queries, see {@link #lift}
   * @param starts [queries] where each starts
   * @param keys codes [headDim / 4][16][4] from {@code tile0} and from {@code tile1}, scales [16]
   *     from {@code scale0} and from {@code scale1}
   * @param p [queries][width] receives them from the columns {@code at} and {@code at + apart} on
   */
  static boolean scores(
      int headDim,
      float scale,
      float[] lifted,
      int[] starts,
      int queries,
      Fp8Rows keys,
      int tile0,
      int tile1,
      int scale0,
      int scale1,
      float[] p,
      int width,
      int at,
      int apart,
      Scratch scratch) {
    float[] factors = scratch.factors; // [2][16]
    if (!factors(keys.scales(), scale0, 16, MOST_KEY_SCALE, LIFT, factors, 0)
        || !factors(keys.scales(), scale1, 16, MOST_KEY_SCALE, LIFT, factors, 16)) {
      return false;
    }
    int size = headDim * 16; // numbers of a tile
    short[] tiles = scratch.halves(2 * size); // [2][headDim / 2][16][2]
    decode(keys.codes(), tile0, 64, headDim / 4, 16, tiles, 0);
    decode(keys.codes(), tile1, 64, headDim / 4, 16, tiles, size);
    Bf16AttentionLoops.scores(
        headDim, 1, lifted, starts, queries, tiles, 0, size, p, width, at, apart);
    for (int i = 0; i < queries; i++) {
      for (int lane = 0; lane < 16; lane += LANES) {
        int to = i * width + at + lane;
        FloatVector first = FloatVector.fromArray(F, p, to);
        FloatVector second = FloatVector.fromArray(F, p, to + apart);
        first.mul(FloatVector.fromArray(F, factors, lane)).mul(scale).intoArray(p, to);
        second
            .mul(FloatVector.fromArray(F, factors, 16 + lane))
            .mul(scale)
            .intoArray(p, to + apart);
      }
    }
    return true;
  }

  /**
   * mixed[i] = fma over {@code n} slots of p[i][slot] · value[slot], for the queries [query, end].
   * The slots are runs of rows: of {@code first} slots, then of {@code page}, the last one of what
   * is left.
   *
   * @param p [queries][width], the first slot in column {@code at}; the columns of the slots are
   *     scratch afterwards
   * @param n at most {@link AttentionLoops#MOST_TOGETHER}; all runs have a multiple of 4
   * @param values codes of four rows every {@code 4 * valueWidth} numbers of a run
   * @param runs [runs] where the codes of each run start
   * @param scales [runs] where the scales of each run start
   * @param mixed [queries][stride] the chains so far; this call continues them
   */
  static boolean mix(
      float[] p,
      int at,
      int width,
      int query,
      int end,
      int n,
      int first,
      int page,
      Fp8Rows values,
      int[] runs,
      int[] scales,
      int valueWidth,
      float[] mixed,
      int stride,
      Scratch scratch) {
    float[] factors = scratch.factors; // [n]
    int run = first;
    for (int s = 0, r = 0; s < n; r++) {
      if (!factors(values.scales(), scales[r], run, MOST_VALUE_SCALE, REBASE, factors, s)) {
        return false;
      }
      s += run;
      run = Math.min(page, n - s);
    }
    for (int i = query; i <= end; i++) {
      multiply(p, i * width + at, factors, n);
    }
    short[] rows = scratch.halves(n * stride); // [n / 2][stride][2]
    run = first;
    for (int s = 0, r = 0; s < n; r++) {
      decode(values.codes(), runs[r], 4 * valueWidth, run / 4, stride, rows, s * stride);
      s += run;
      run = Math.min(page, n - s);
    }
    Bf16AttentionLoops.mix(p, at, width, query, end, n, n, n, rows, ONE_RUN, stride, mixed, stride);
    return true;
  }

  /**
   * Makes words of four codes two words of bf16 each: those of the first two numbers, and in the
   * next row those of the other two. The numbers are by 2^-120 too small.
   *
   * @param codes [rows][words][4], rows {@code apart} numbers apart
   * @param words a multiple of 16
   * @param into receives [2 · rows][words][2] from {@code at}
   */
  private static void decode(
      byte[] codes, int from, int apart, int rows, int words, short[] into, int at) {
    for (int row = 0; row < rows; row++) {
      for (int w = 0; w < words; w += LANES) {
        ShortVector pairs =
            ByteVector.fromArray(BYTES, codes, from + row * apart + 4 * w).reinterpretAsShorts();
        int to = at + 4 * row * words + 2 * w;
        pairs.lanewise(LSHL, 8).lanewise(ASHR, 4).and(SIGN_AND_CODE).intoArray(into, to);
        pairs.lanewise(ASHR, 4).and(SIGN_AND_CODE).intoArray(into, to + 2 * words);
      }
    }
  }

  /**
   * factors[i] = scale i · 2^{@code power}.
   *
   * @return whether all scales have a code of at most {@code most}
   */
  private static boolean factors(
      byte[] scales, int from, int n, int most, int power, float[] factors, int at) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      IntVector code =
          (IntVector) ByteVector.fromArray(B, scales, from + i).convertShape(ZERO_EXTEND_B2I, I, 0);
      if (code.compare(GT, most).anyTrue()) {
        return false;
      }
      code.add(power).lanewise(LSHL, 23).reinterpretAsFloats().intoArray(factors, at + i);
    }
    for (; i < n; i++) {
      int code = scales[from + i] & 0xFF;
      if (code > most) {
        return false;
      }
      factors[at + i] = Float.intBitsToFloat(code + power << 23);
    }
    return true;
  }

  /** p[i] *= factors[i]. */
  private static void multiply(float[] p, int at, float[] factors, int n) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(F, p, at + i)
          .mul(FloatVector.fromArray(F, factors, i))
          .intoArray(p, at + i);
    }
    for (; i < n; i++) {
      p[at + i] *= factors[i];
    }
  }
}
