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
 * The loops of {@link F32AttentionLoops} over keys and values of FP8 (E4M3). A load brings four
 * numbers for each lane: the next four of its chain.
 *
 * <p>A code, moved to the place of a float's exponent and mantissa, is its number by 2^-120,
 * because exponents count from 7 in a code and from 127 in a float. No factor brings it back in the
 * loops. It is a power of two, as the scale is, and a power of two may be taken out of a sum, or
 * moved from one factor of a product to the other: every rounding stays the same, as long as no
 * number becomes so small or so large that a float cannot hold it.
 *
 * <pre>
 *   a score    Σ q · (c · s)  =  (Σ (q · 2^60) · (c · 2^-120)) · 2^60 · s
 *   a value    p · (c · s)    =  (p · s · 2^120) · (c · 2^-120)
 * </pre>
 *
 * <p>For scores all is well if s ≤ 2^49 and each |q| is 0 or from 2^-57 to 2^40: then every product
 * is a multiple of 2^-149, the least float. (A scale is 2^-22 or more; see {@code RowFormat}.) For
 * values it is if s ≤ 2^7, because p ≤ 1. These methods return false if a number is beyond that,
 * and the caller decodes number by number.
 */
final class Fp8AttentionLoops {
  private static final short SIGN_AND_CODE = (short) 0x87F0; // of a code moved down by 4
  private static final int HIGH_HALF = 0xFFFF_0000;
  private static final float LEAST_Q = 0x1p-57f;
  private static final float MOST_Q = 0x1p40f;
  private static final float LIFT = 0x1p60f;
  private static final int MOST_KEY_SCALE = 127 + 49; // the code of 2^49
  private static final int MOST_VALUE_SCALE = 127 + 7;
  private static final int REBASE = 120;

  private Fp8AttentionLoops() {}

  /**
   * Copies the queries, times 2^60.
   *
   * @param query [queries] where each query starts in q
   * @param lifted [queries][headDim]
   * @return whether the scores may be computed from them
   */
  static boolean lift(float[] q, int[] query, int queries, int headDim, float[] lifted) {
    for (int i = 0; i < queries; i++) {
      int at = query[i];
      int d = 0;
      for (; d + LANES <= headDim; d += LANES) {
        FloatVector x = FloatVector.fromArray(F, q, at + d);
        FloatVector size = x.abs();
        if (size.compare(LT, LEAST_Q).and(size.compare(NE, 0f)).anyTrue()
            || !size.compare(LT, MOST_Q).allTrue()) {
          return false;
        }
        x.mul(LIFT).intoArray(lifted, i * headDim + d);
      }
      for (; d < headDim; d++) {
        float size = Math.abs(q[at + d]);
        if (size < LEAST_Q && size != 0 || !(size < MOST_Q)) {
          return false;
        }
        lifted[i * headDim + d] = q[at + d] * LIFT;
      }
    }
    return true;
  }

  /**
   * Scores of all queries against two tiles of 16 keys.
   *
   * @param lifted [queries][headDim], see {@link #lift}
   * @param keys codes [headDim / 4][16][4] from {@code tile0} and from {@code tile1}, scales [16]
   *     from {@code scale0} and from {@code scale1}
   * @param p [queries][width] receives them from the columns {@code at} and {@code at + apart} on
   * @return false if a scale is too large
   */
  static boolean scores(
      int headDim,
      float scale,
      float[] lifted,
      int queries,
      Fp8Rows keys,
      int tile0,
      int tile1,
      int scale0,
      int scale1,
      float[] p,
      int width,
      int at,
      int apart) {
    if (exceeds(keys.scales(), scale0, 16, MOST_KEY_SCALE)
        || exceeds(keys.scales(), scale1, 16, MOST_KEY_SCALE)) {
      return false;
    }
    for (int i = 0; i < queries; i += 4) {
      int i1 = Math.min(i + 1, queries - 1);
      int i2 = Math.min(i + 2, queries - 1);
      int i3 = Math.min(i + 3, queries - 1);
      for (int sub = 0; sub < 16; sub += LANES) {
        scores4x2(
            headDim,
            scale,
            lifted,
            i * headDim,
            i1 * headDim,
            i2 * headDim,
            i3 * headDim,
            keys.codes(),
            tile0 + 4 * sub,
            tile1 + 4 * sub,
            keys.scales(),
            scale0 + sub,
            scale1 + sub,
            p,
            i * width + at + sub,
            i1 * width + at + sub,
            i2 * width + at + sub,
            i3 * width + at + sub,
            apart);
      }
    }
    return true;
  }

  /** Whether one of {@code n} scales, a multiple of LANES, is larger than that, or NaN. */
  private static boolean exceeds(byte[] scales, int from, int n, int most) {
    for (int i = from; i < from + n; i += LANES) {
      IntVector s =
          (IntVector) ByteVector.fromArray(B, scales, i).convertShape(ZERO_EXTEND_B2I, I, 0);
      if (s.compare(GT, most).anyTrue()) {
        return true;
      }
    }
    return false;
  }

  /** Four queries against two vectors of keys; scores of the second lie {@code apart} later. */
  private static void scores4x2(
      int headDim,
      float scale,
      float[] q,
      int q0,
      int q1,
      int q2,
      int q3,
      byte[] keys,
      int tile0,
      int tile1,
      byte[] scales,
      int scale0,
      int scale1,
      float[] p,
      int p0,
      int p1,
      int p2,
      int p3,
      int apart) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int d = 0; d < headDim; d += 4) {
      ShortVector codes0 = ByteVector.fromArray(BYTES, keys, tile0 + d * 16).reinterpretAsShorts();
      ShortVector codes1 = ByteVector.fromArray(BYTES, keys, tile1 + d * 16).reinterpretAsShorts();
      IntVector even0 =
          codes0.lanewise(LSHL, 8).lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      IntVector even1 =
          codes1.lanewise(LSHL, 8).lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      IntVector odd0 = codes0.lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      IntVector odd1 = codes1.lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      FloatVector k0 = even0.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector k1 = even1.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector s = FloatVector.broadcast(F, q[q0 + d]);
      a0 = s.fma(k0, a0);
      a1 = s.fma(k1, a1);
      s = FloatVector.broadcast(F, q[q1 + d]);
      b0 = s.fma(k0, b0);
      b1 = s.fma(k1, b1);
      s = FloatVector.broadcast(F, q[q2 + d]);
      c0 = s.fma(k0, c0);
      c1 = s.fma(k1, c1);
      s = FloatVector.broadcast(F, q[q3 + d]);
      d0 = s.fma(k0, d0);
      d1 = s.fma(k1, d1);
      k0 = odd0.lanewise(LSHL, 16).reinterpretAsFloats();
      k1 = odd1.lanewise(LSHL, 16).reinterpretAsFloats();
      s = FloatVector.broadcast(F, q[q0 + d + 1]);
      a0 = s.fma(k0, a0);
      a1 = s.fma(k1, a1);
      s = FloatVector.broadcast(F, q[q1 + d + 1]);
      b0 = s.fma(k0, b0);
      b1 = s.fma(k1, b1);
      s = FloatVector.broadcast(F, q[q2 + d + 1]);
      c0 = s.fma(k0, c0);
      c1 = s.fma(k1, c1);
      s = FloatVector.broadcast(F, q[q3 + d + 1]);
      d0 = s.fma(k0, d0);
      d1 = s.fma(k1, d1);
      k0 = even0.and(HIGH_HALF).reinterpretAsFloats();
      k1 = even1.and(HIGH_HALF).reinterpretAsFloats();
      s = FloatVector.broadcast(F, q[q0 + d + 2]);
      a0 = s.fma(k0, a0);
      a1 = s.fma(k1, a1);
      s = FloatVector.broadcast(F, q[q1 + d + 2]);
      b0 = s.fma(k0, b0);
      b1 = s.fma(k1, b1);
      s = FloatVector.broadcast(F, q[q2 + d + 2]);
      c0 = s.fma(k0, c0);
      c1 = s.fma(k1, c1);
      s = FloatVector.broadcast(F, q[q3 + d + 2]);
      d0 = s.fma(k0, d0);
      d1 = s.fma(k1, d1);
      k0 = odd0.and(HIGH_HALF).reinterpretAsFloats();
      k1 = odd1.and(HIGH_HALF).reinterpretAsFloats();
      s = FloatVector.broadcast(F, q[q0 + d + 3]);
      a0 = s.fma(k0, a0);
      a1 = s.fma(k1, a1);
      s = FloatVector.broadcast(F, q[q1 + d + 3]);
      b0 = s.fma(k0, b0);
      b1 = s.fma(k1, b1);
      s = FloatVector.broadcast(F, q[q2 + d + 3]);
      c0 = s.fma(k0, c0);
      c1 = s.fma(k1, c1);
      s = FloatVector.broadcast(F, q[q3 + d + 3]);
      d0 = s.fma(k0, d0);
      d1 = s.fma(k1, d1);
    }
    FloatVector s0 =
        ((IntVector) ByteVector.fromArray(B, scales, scale0).convertShape(ZERO_EXTEND_B2I, I, 0))
            .add(60)
            .lanewise(LSHL, 23)
            .reinterpretAsFloats();
    FloatVector s1 =
        ((IntVector) ByteVector.fromArray(B, scales, scale1).convertShape(ZERO_EXTEND_B2I, I, 0))
            .add(60)
            .lanewise(LSHL, 23)
            .reinterpretAsFloats();
    a0.mul(s0).mul(scale).intoArray(p, p0);
    a1.mul(s1).mul(scale).intoArray(p, p0 + apart);
    b0.mul(s0).mul(scale).intoArray(p, p1);
    b1.mul(s1).mul(scale).intoArray(p, p1 + apart);
    c0.mul(s0).mul(scale).intoArray(p, p2);
    c1.mul(s1).mul(scale).intoArray(p, p2 + apart);
    d0.mul(s0).mul(scale).intoArray(p, p3);
    d1.mul(s1).mul(scale).intoArray(p, p3 + apart);
  }

  /**
   * mixed[i] = fma over {@code run} slots of p[i][slot] · value[slot], for the queries [query,
   * end].
   *
   * @param p [queries][width], the first slot in column {@code at}; the columns of the run are
   *     scratch afterwards
   * @param run a multiple of 4
   * @param values codes of four rows every {@code 4 * valueWidth} numbers, from {@code value}; the
   *     scales of the run from {@code scale}
   * @param mixed [queries][stride] the chains so far; this call continues them
   * @param factors [run] scratch
   * @return false if a scale is too large; then nothing is done
   */
  static boolean mix(
      float[] p,
      int at,
      int width,
      int query,
      int end,
      int run,
      Fp8Rows values,
      int value,
      int scale,
      int valueWidth,
      float[] mixed,
      int stride,
      float[] factors) {
    if (!factors(values.scales(), scale, run, factors)) {
      return false;
    }
    for (int i = query; i <= end; i++) {
      scale(p, i * width + at, factors, run);
    }
    for (int i = query; i <= end; i += 4) {
      int i1 = Math.min(i + 1, end);
      int i2 = Math.min(i + 2, end);
      int i3 = Math.min(i + 3, end);
      for (int d = 0; d < stride; d += 2 * LANES) {
        mix4x2(
            p,
            i * width + at,
            i1 * width + at,
            i2 * width + at,
            i3 * width + at,
            run,
            values.codes(),
            value + 4 * d,
            valueWidth,
            mixed,
            i * stride + d,
            i1 * stride + d,
            i2 * stride + d,
            i3 * stride + d,
            Math.min(LANES, stride - LANES - d));
      }
    }
    return true;
  }

  /**
   * factors[i] = 2^120 · scale i.
   *
   * @return whether all of them are floats
   */
  private static boolean factors(byte[] scales, int from, int n, float[] factors) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      IntVector code =
          (IntVector) ByteVector.fromArray(B, scales, from + i).convertShape(ZERO_EXTEND_B2I, I, 0);
      if (code.compare(GT, MOST_VALUE_SCALE).anyTrue()) {
        return false;
      }
      code.add(REBASE).lanewise(LSHL, 23).reinterpretAsFloats().intoArray(factors, i);
    }
    for (; i < n; i++) {
      int code = scales[from + i] & 0xFF;
      if (code > MOST_VALUE_SCALE) {
        return false;
      }
      factors[i] = Float.intBitsToFloat(code + REBASE << 23);
    }
    return true;
  }

  /** p[i] *= factors[i]. */
  private static void scale(float[] p, int at, float[] factors, int n) {
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

  /** Four queries by two vectors of dims, the second {@code apart} after the first. */
  private static void mix4x2(
      float[] p,
      int p0,
      int p1,
      int p2,
      int p3,
      int run,
      byte[] values,
      int value,
      int width,
      float[] mixed,
      int m0,
      int m1,
      int m2,
      int m3,
      int apart) {
    FloatVector a0 = FloatVector.fromArray(F, mixed, m0);
    FloatVector a1 = FloatVector.fromArray(F, mixed, m0 + apart);
    FloatVector b0 = FloatVector.fromArray(F, mixed, m1);
    FloatVector b1 = FloatVector.fromArray(F, mixed, m1 + apart);
    FloatVector c0 = FloatVector.fromArray(F, mixed, m2);
    FloatVector c1 = FloatVector.fromArray(F, mixed, m2 + apart);
    FloatVector d0 = FloatVector.fromArray(F, mixed, m3);
    FloatVector d1 = FloatVector.fromArray(F, mixed, m3 + apart);
    for (int s = 0; s < run; s += 4) {
      int at = value + s * width;
      ShortVector codes0 = ByteVector.fromArray(BYTES, values, at).reinterpretAsShorts();
      ShortVector codes1 =
          ByteVector.fromArray(BYTES, values, at + 4 * apart).reinterpretAsShorts();
      IntVector even0 =
          codes0.lanewise(LSHL, 8).lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      IntVector even1 =
          codes1.lanewise(LSHL, 8).lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      IntVector odd0 = codes0.lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      IntVector odd1 = codes1.lanewise(ASHR, 4).and(SIGN_AND_CODE).reinterpretAsInts();
      FloatVector v0 = even0.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector v1 = even1.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector w = FloatVector.broadcast(F, p[p0 + s]);
      a0 = w.fma(v0, a0);
      a1 = w.fma(v1, a1);
      w = FloatVector.broadcast(F, p[p1 + s]);
      b0 = w.fma(v0, b0);
      b1 = w.fma(v1, b1);
      w = FloatVector.broadcast(F, p[p2 + s]);
      c0 = w.fma(v0, c0);
      c1 = w.fma(v1, c1);
      w = FloatVector.broadcast(F, p[p3 + s]);
      d0 = w.fma(v0, d0);
      d1 = w.fma(v1, d1);
      v0 = odd0.lanewise(LSHL, 16).reinterpretAsFloats();
      v1 = odd1.lanewise(LSHL, 16).reinterpretAsFloats();
      w = FloatVector.broadcast(F, p[p0 + s + 1]);
      a0 = w.fma(v0, a0);
      a1 = w.fma(v1, a1);
      w = FloatVector.broadcast(F, p[p1 + s + 1]);
      b0 = w.fma(v0, b0);
      b1 = w.fma(v1, b1);
      w = FloatVector.broadcast(F, p[p2 + s + 1]);
      c0 = w.fma(v0, c0);
      c1 = w.fma(v1, c1);
      w = FloatVector.broadcast(F, p[p3 + s + 1]);
      d0 = w.fma(v0, d0);
      d1 = w.fma(v1, d1);
      v0 = even0.and(HIGH_HALF).reinterpretAsFloats();
      v1 = even1.and(HIGH_HALF).reinterpretAsFloats();
      w = FloatVector.broadcast(F, p[p0 + s + 2]);
      a0 = w.fma(v0, a0);
      a1 = w.fma(v1, a1);
      w = FloatVector.broadcast(F, p[p1 + s + 2]);
      b0 = w.fma(v0, b0);
      b1 = w.fma(v1, b1);
      w = FloatVector.broadcast(F, p[p2 + s + 2]);
      c0 = w.fma(v0, c0);
      c1 = w.fma(v1, c1);
      w = FloatVector.broadcast(F, p[p3 + s + 2]);
      d0 = w.fma(v0, d0);
      d1 = w.fma(v1, d1);
      v0 = odd0.and(HIGH_HALF).reinterpretAsFloats();
      v1 = odd1.and(HIGH_HALF).reinterpretAsFloats();
      w = FloatVector.broadcast(F, p[p0 + s + 3]);
      a0 = w.fma(v0, a0);
      a1 = w.fma(v1, a1);
      w = FloatVector.broadcast(F, p[p1 + s + 3]);
      b0 = w.fma(v0, b0);
      b1 = w.fma(v1, b1);
      w = FloatVector.broadcast(F, p[p2 + s + 3]);
      c0 = w.fma(v0, c0);
      c1 = w.fma(v1, c1);
      w = FloatVector.broadcast(F, p[p3 + s + 3]);
      d0 = w.fma(v0, d0);
      d1 = w.fma(v1, d1);
    }
    a0.intoArray(mixed, m0);
    a1.intoArray(mixed, m0 + apart);
    b0.intoArray(mixed, m1);
    b1.intoArray(mixed, m1 + apart);
    c0.intoArray(mixed, m2);
    c1.intoArray(mixed, m2 + apart);
    d0.intoArray(mixed, m3);
    d1.intoArray(mixed, m3 + apart);
  }
}
