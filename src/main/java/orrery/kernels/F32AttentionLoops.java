package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of attention over keys and values of float32. Four queries by two vectors make
 * eight chains, enough to hide the latency of fma; {@link SixQueryLoops} take more queries. In
 * place of a missing query or vector the last one is computed again, which writes the same bits
 * twice.
 */
final class F32AttentionLoops {
  private F32AttentionLoops() {}

  /**
   * Scores of all queries against two tiles of 16 keys.
   *
   * @param query [queries] where each query starts in q
   * @param keys [headDim][16] from {@code tile0} and from {@code tile1}
   * @param p [queries][width] receives them from the columns {@code at} and {@code at + apart} on
   */
  static void scores(
      int headDim,
      float scale,
      float[] q,
      int[] query,
      int queries,
      float[] keys,
      int tile0,
      int tile1,
      float[] p,
      int width,
      int at,
      int apart) {
    int i = 0;
    for (; SixQueryLoops.take(queries - i); i += 6) {
      for (int sub = 0; sub < 16; sub += LANES) {
        SixQueryLoops.scores(
            headDim,
            scale,
            q,
            query,
            i,
            queries - 1,
            keys,
            tile0 + sub,
            tile1 + sub,
            p,
            width,
            at + sub,
            apart);
      }
    }
    for (; i < queries; i += 4) {
      int i1 = Math.min(i + 1, queries - 1);
      int i2 = Math.min(i + 2, queries - 1);
      int i3 = Math.min(i + 3, queries - 1);
      for (int sub = 0; sub < 16; sub += LANES) {
        scores4x2(
            headDim,
            scale,
            q,
            query[i],
            query[i1],
            query[i2],
            query[i3],
            keys,
            tile0 + sub,
            tile1 + sub,
            p,
            i * width + at + sub,
            i1 * width + at + sub,
            i2 * width + at + sub,
            i3 * width + at + sub,
            apart);
      }
    }
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
      float[] keys,
      int tile0,
      int tile1,
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
    for (int d = 0; d < headDim; d++) {
      FloatVector k0 = FloatVector.fromArray(F, keys, tile0 + d * 16);
      FloatVector k1 = FloatVector.fromArray(F, keys, tile1 + d * 16);
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
    }
    a0.mul(scale).intoArray(p, p0);
    a1.mul(scale).intoArray(p, p0 + apart);
    b0.mul(scale).intoArray(p, p1);
    b1.mul(scale).intoArray(p, p1 + apart);
    c0.mul(scale).intoArray(p, p2);
    c1.mul(scale).intoArray(p, p2 + apart);
    d0.mul(scale).intoArray(p, p3);
    d1.mul(scale).intoArray(p, p3 + apart);
  }

  /**
   * mixed[i] = fma over {@code n} slots of p[i][slot] · value[slot], for the queries [query, end].
   * The slots are runs of rows: of {@code first} slots, then of {@code page}, the last one of what
   * is left.
   *
   * @param p [queries][width], the first slot in column {@code at}
   * @param values a row every {@code valueWidth} numbers of a run
   * @param runs [runs] where each run starts in {@code values}
   * @param mixed [queries][stride] the chains so far; this call continues them
   */
  static void mix(
      float[] p,
      int at,
      int width,
      int query,
      int end,
      int n,
      int first,
      int page,
      float[] values,
      int[] runs,
      int valueWidth,
      float[] mixed,
      int stride) {
    int i = query;
    for (; SixQueryLoops.take(end + 1 - i); i += 6) {
      for (int d = 0; d < stride; d += 2 * LANES) {
        int apart = Math.min(LANES, stride - LANES - d);
        SixQueryLoops.mix(
            p,
            at,
            width,
            i,
            end,
            n,
            first,
            page,
            values,
            runs,
            d,
            valueWidth,
            mixed,
            stride,
            apart);
      }
    }
    for (; i <= end; i += 4) {
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
            n,
            first,
            page,
            values,
            runs,
            d,
            valueWidth,
            mixed,
            i * stride + d,
            i1 * stride + d,
            i2 * stride + d,
            i3 * stride + d,
            Math.min(LANES, stride - LANES - d));
      }
    }
  }

  /** Four queries by two vectors of dims, the second {@code apart} after the first. */
  private static void mix4x2(
      float[] p,
      int p0,
      int p1,
      int p2,
      int p3,
      int n,
      int first,
      int page,
      float[] values,
      int[] runs,
      int dim,
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
    int run = first;
    for (int at = 0, r = 0; at < n; r++) {
      int value = runs[r] + dim;
      for (int s = 0; s < run; s++) {
        FloatVector v0 = FloatVector.fromArray(F, values, value + s * width);
        FloatVector v1 = FloatVector.fromArray(F, values, value + s * width + apart);
        FloatVector w = FloatVector.broadcast(F, p[p0 + at + s]);
        a0 = w.fma(v0, a0);
        a1 = w.fma(v1, a1);
        w = FloatVector.broadcast(F, p[p1 + at + s]);
        b0 = w.fma(v0, b0);
        b1 = w.fma(v1, b1);
        w = FloatVector.broadcast(F, p[p2 + at + s]);
        c0 = w.fma(v0, c0);
        c1 = w.fma(v1, c1);
        w = FloatVector.broadcast(F, p[p3 + at + s]);
        d0 = w.fma(v0, d0);
        d1 = w.fma(v1, d1);
      }
      at += run;
      run = Math.min(page, n - at);
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
