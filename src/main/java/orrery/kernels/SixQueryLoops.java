package orrery.kernels;

import static orrery.kernels.VectorKernels.F;

import jdk.incubator.vector.FloatVector;

/**
 * The loops of {@link F32AttentionLoops} for six queries by two vectors: twelve chains. So a load
 * of keys or values serves six queries instead of four, as many as 16 registers allow. A tile of a
 * prompt has that many queries, a row that decodes has not.
 */
final class SixQueryLoops {
  private SixQueryLoops() {}

  /** Whether these loops take the next queries of so many; a group of 1 or 2 may not remain. */
  static boolean take(int left) {
    return left >= 5 && left != 7 && left != 8;
  }

  /**
   * Scores of the queries [i, i + 6), at most {@code last}, against two vectors of keys; scores of
   * the second lie {@code apart} later.
   *
   * @param at column of p for the first vector
   */
  static void scores(
      int headDim,
      float scale,
      float[] q,
      int[] query,
      int i,
      int last,
      float[] keys,
      int tile0,
      int tile1,
      float[] p,
      int width,
      int at,
      int apart) {
    int q0 = query[i];
    int q1 = query[Math.min(i + 1, last)];
    int q2 = query[Math.min(i + 2, last)];
    int q3 = query[Math.min(i + 3, last)];
    int q4 = query[Math.min(i + 4, last)];
    int q5 = query[Math.min(i + 5, last)];
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector g0 = a0;
    FloatVector g1 = a0;
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
      s = FloatVector.broadcast(F, q[q4 + d]);
      e0 = s.fma(k0, e0);
      e1 = s.fma(k1, e1);
      s = FloatVector.broadcast(F, q[q5 + d]);
      g0 = s.fma(k0, g0);
      g1 = s.fma(k1, g1);
    }
    int to = i * width + at;
    a0.mul(scale).intoArray(p, to);
    a1.mul(scale).intoArray(p, to + apart);
    to = Math.min(i + 1, last) * width + at;
    b0.mul(scale).intoArray(p, to);
    b1.mul(scale).intoArray(p, to + apart);
    to = Math.min(i + 2, last) * width + at;
    c0.mul(scale).intoArray(p, to);
    c1.mul(scale).intoArray(p, to + apart);
    to = Math.min(i + 3, last) * width + at;
    d0.mul(scale).intoArray(p, to);
    d1.mul(scale).intoArray(p, to + apart);
    to = Math.min(i + 4, last) * width + at;
    e0.mul(scale).intoArray(p, to);
    e1.mul(scale).intoArray(p, to + apart);
    to = Math.min(i + 5, last) * width + at;
    g0.mul(scale).intoArray(p, to);
    g1.mul(scale).intoArray(p, to + apart);
  }

  /**
   * The mix of the queries [i, i + 6), at most {@code last}, by two vectors of dims, the second
   * {@code apart} after the first; see {@link F32AttentionLoops#mix}.
   *
   * @param dim the first of the first vector
   */
  static void mix(
      float[] p,
      int column,
      int width,
      int i,
      int last,
      int n,
      int first,
      int page,
      float[] values,
      int[] runs,
      int dim,
      int valueWidth,
      float[] mixed,
      int stride,
      int apart) {
    int i0 = i;
    int i1 = Math.min(i + 1, last);
    int i2 = Math.min(i + 2, last);
    int i3 = Math.min(i + 3, last);
    int i4 = Math.min(i + 4, last);
    int i5 = Math.min(i + 5, last);
    int p0 = i0 * width + column;
    int m0 = i0 * stride + dim;
    int p1 = i1 * width + column;
    int m1 = i1 * stride + dim;
    int p2 = i2 * width + column;
    int m2 = i2 * stride + dim;
    int p3 = i3 * width + column;
    int m3 = i3 * stride + dim;
    int p4 = i4 * width + column;
    int m4 = i4 * stride + dim;
    int p5 = i5 * width + column;
    int m5 = i5 * stride + dim;
    FloatVector a0 = FloatVector.fromArray(F, mixed, m0);
    FloatVector a1 = FloatVector.fromArray(F, mixed, m0 + apart);
    FloatVector b0 = FloatVector.fromArray(F, mixed, m1);
    FloatVector b1 = FloatVector.fromArray(F, mixed, m1 + apart);
    FloatVector c0 = FloatVector.fromArray(F, mixed, m2);
    FloatVector c1 = FloatVector.fromArray(F, mixed, m2 + apart);
    FloatVector d0 = FloatVector.fromArray(F, mixed, m3);
    FloatVector d1 = FloatVector.fromArray(F, mixed, m3 + apart);
    FloatVector e0 = FloatVector.fromArray(F, mixed, m4);
    FloatVector e1 = FloatVector.fromArray(F, mixed, m4 + apart);
    FloatVector g0 = FloatVector.fromArray(F, mixed, m5);
    FloatVector g1 = FloatVector.fromArray(F, mixed, m5 + apart);
    int run = first;
    for (int at = 0, r = 0; at < n; r++) {
      int value = runs[r] + dim;
      for (int s = at; s < at + run; s++) {
        FloatVector v0 = FloatVector.fromArray(F, values, value);
        FloatVector v1 = FloatVector.fromArray(F, values, value + apart);
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
        w = FloatVector.broadcast(F, p[p4 + s]);
        e0 = w.fma(v0, e0);
        e1 = w.fma(v1, e1);
        w = FloatVector.broadcast(F, p[p5 + s]);
        g0 = w.fma(v0, g0);
        g1 = w.fma(v1, g1);
        value += valueWidth;
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
    e0.intoArray(mixed, m4);
    e1.intoArray(mixed, m4 + apart);
    g0.intoArray(mixed, m5);
    g1.intoArray(mixed, m5 + apart);
  }
}
