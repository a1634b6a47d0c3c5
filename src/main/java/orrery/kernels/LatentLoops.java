package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of {@link VectorLatentKernels}. Each runs eight chains side by side, enough to
 * hide the latency of fma. In place of a missing row or head the last one is computed again, which
 * writes the same bits twice.
 */
final class LatentLoops {
  private static final int BLOCK = 64; // mixed rows whose columns stay in cache for all heads

  private LatentLoops() {}

  /**
   * Turns the heads of a row into lanes; lanes without a head become 0.
   *
   * @param q [heads][headDim] from qOff
   * @param turned [vectors of heads][headDim][LANES]
   */
  static void turn(float[] q, int qOff, int heads, int headDim, float[] turned) {
    for (int head = 0; head < heads; head += LANES) {
      int to = head * headDim;
      for (int lane = 0; lane < LANES; lane++) {
        if (head + lane < heads) {
          int from = qOff + (head + lane) * headDim;
          for (int d = 0; d < headDim; d++) {
            turned[to + d * LANES + lane] = q[from + d];
          }
        } else {
          for (int d = 0; d < headDim; d++) {
            turned[to + d * LANES + lane] = 0;
          }
        }
      }
    }
  }

  /**
   * p[i][lane] = scale · (fma chain over d of head lane · row i), for the rows [from, to) of a
   * list.
   *
   * @param data [rows][headDim]
   * @param turned see {@link #turn}
   * @param lanes of all vectors of heads
   * @param p [to - from][lanes] from pOff
   */
  static void scores(
      float[] turned,
      int lanes,
      int headDim,
      float scale,
      float[] data,
      int[] rows,
      int from,
      int to,
      float[] p,
      int pOff) {
    int last = to - 1;
    int pairs = lanes / (2 * LANES) * 2 * LANES;
    for (int i = from; i < to && pairs > 0; i += 4) {
      int i1 = Math.min(i + 1, last);
      int i2 = Math.min(i + 2, last);
      int i3 = Math.min(i + 3, last);
      int at = pOff + (i - from) * lanes;
      int apart1 = (i1 - i) * lanes;
      int apart2 = (i2 - i) * lanes;
      int apart3 = (i3 - i) * lanes;
      for (int lane = 0; lane < pairs; lane += 2 * LANES) {
        scores4x2(
            turned,
            lane * headDim,
            headDim,
            scale,
            data,
            rows[i] * headDim,
            rows[i1] * headDim,
            rows[i2] * headDim,
            rows[i3] * headDim,
            p,
            at + lane,
            apart1,
            apart2,
            apart3);
      }
    }
    if (pairs < lanes) {
      for (int i = from; i < to; i += 8) {
        scores8x1(
            turned,
            pairs * headDim,
            headDim,
            scale,
            data,
            rows,
            i,
            last,
            p,
            pOff + (i - from) * lanes + pairs,
            lanes);
      }
    }
  }

  /** Four rows against two vectors of heads. */
  private static void scores4x2(
      float[] turned,
      int head,
      int headDim,
      float scale,
      float[] data,
      int r0,
      int r1,
      int r2,
      int r3,
      float[] p,
      int at,
      int apart1,
      int apart2,
      int apart3) {
    int next = head + headDim * LANES;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int d = 0; d < headDim; d++) {
      FloatVector q0 = FloatVector.fromArray(F, turned, head + d * LANES);
      FloatVector q1 = FloatVector.fromArray(F, turned, next + d * LANES);
      FloatVector s = FloatVector.broadcast(F, data[r0 + d]);
      a0 = s.fma(q0, a0);
      a1 = s.fma(q1, a1);
      s = FloatVector.broadcast(F, data[r1 + d]);
      b0 = s.fma(q0, b0);
      b1 = s.fma(q1, b1);
      s = FloatVector.broadcast(F, data[r2 + d]);
      c0 = s.fma(q0, c0);
      c1 = s.fma(q1, c1);
      s = FloatVector.broadcast(F, data[r3 + d]);
      d0 = s.fma(q0, d0);
      d1 = s.fma(q1, d1);
    }
    a0.mul(scale).intoArray(p, at);
    a1.mul(scale).intoArray(p, at + LANES);
    b0.mul(scale).intoArray(p, at + apart1);
    b1.mul(scale).intoArray(p, at + apart1 + LANES);
    c0.mul(scale).intoArray(p, at + apart2);
    c1.mul(scale).intoArray(p, at + apart2 + LANES);
    d0.mul(scale).intoArray(p, at + apart3);
    d1.mul(scale).intoArray(p, at + apart3 + LANES);
  }

  /** Eight rows of a list, from row i on and none behind {@code last}, against one vector. */
  private static void scores8x1(
      float[] turned,
      int head,
      int headDim,
      float scale,
      float[] data,
      int[] rows,
      int i,
      int last,
      float[] p,
      int at,
      int lanes) {
    int more = last - i; // rows behind row i
    int r0 = rows[i] * headDim;
    int r1 = rows[i + Math.min(1, more)] * headDim;
    int r2 = rows[i + Math.min(2, more)] * headDim;
    int r3 = rows[i + Math.min(3, more)] * headDim;
    int r4 = rows[i + Math.min(4, more)] * headDim;
    int r5 = rows[i + Math.min(5, more)] * headDim;
    int r6 = rows[i + Math.min(6, more)] * headDim;
    int r7 = rows[i + Math.min(7, more)] * headDim;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    FloatVector a6 = a0;
    FloatVector a7 = a0;
    for (int d = 0; d < headDim; d++) {
      FloatVector q = FloatVector.fromArray(F, turned, head + d * LANES);
      a0 = q.fma(FloatVector.broadcast(F, data[r0 + d]), a0);
      a1 = q.fma(FloatVector.broadcast(F, data[r1 + d]), a1);
      a2 = q.fma(FloatVector.broadcast(F, data[r2 + d]), a2);
      a3 = q.fma(FloatVector.broadcast(F, data[r3 + d]), a3);
      a4 = q.fma(FloatVector.broadcast(F, data[r4 + d]), a4);
      a5 = q.fma(FloatVector.broadcast(F, data[r5 + d]), a5);
      a6 = q.fma(FloatVector.broadcast(F, data[r6 + d]), a6);
      a7 = q.fma(FloatVector.broadcast(F, data[r7 + d]), a7);
    }
    a0.mul(scale).intoArray(p, at);
    a1.mul(scale).intoArray(p, at + Math.min(1, more) * lanes);
    a2.mul(scale).intoArray(p, at + Math.min(2, more) * lanes);
    a3.mul(scale).intoArray(p, at + Math.min(3, more) * lanes);
    a4.mul(scale).intoArray(p, at + Math.min(4, more) * lanes);
    a5.mul(scale).intoArray(p, at + Math.min(5, more) * lanes);
    a6.mul(scale).intoArray(p, at + Math.min(6, more) * lanes);
    a7.mul(scale).intoArray(p, at + Math.min(7, more) * lanes);
  }

  /**
   * mixed[h][d] = fma over the rows [from, to) of a list of p[i][h] · row i [d]. The chains rest in
   * {@code mixed} between blocks of rows, which keeps their bits.
   *
   * @param p [to - from][lanes] from pOff
   * @param data [rows][headDim]
   * @param mixed [heads][headDim] the chains so far; this call continues them
   */
  static void mix(
      float[] p,
      int pOff,
      int lanes,
      int heads,
      float[] data,
      int[] rows,
      int from,
      int to,
      float[] mixed,
      int headDim) {
    int whole = headDim / LANES * LANES;
    for (int first = from; first < to; first += BLOCK) {
      int end = Math.min(to, first + BLOCK);
      for (int d = 0; d < whole; d += 2 * LANES) {
        int apart = Math.min(LANES, whole - LANES - d);
        for (int h = 0; h < heads; h += 4) {
          int left = heads - 1 - h;
          mix4x2(
              p,
              pOff + (first - from) * lanes + h,
              lanes,
              h,
              Math.min(1, left),
              Math.min(2, left),
              Math.min(3, left),
              data,
              rows,
              first,
              end,
              d,
              apart,
              mixed,
              headDim);
        }
      }
    }
    for (int h = 0; h < heads && whole < headDim; h++) { // columns that do not fill a vector
      for (int d = whole; d < headDim; d++) {
        float sum = mixed[h * headDim + d];
        for (int i = from; i < to; i++) {
          sum = Math.fma(p[pOff + (i - from) * lanes + h], data[rows[i] * headDim + d], sum);
        }
        mixed[h * headDim + d] = sum;
      }
    }
  }

  /** Heads h, h + h1, h + h2 and h + h3 by two vectors of columns, the second {@code apart} on. */
  private static void mix4x2(
      float[] p,
      int weights,
      int lanes,
      int h,
      int h1,
      int h2,
      int h3,
      float[] data,
      int[] rows,
      int from,
      int to,
      int d,
      int apart,
      float[] mixed,
      int headDim) {
    int m0 = h * headDim + d;
    int m1 = m0 + h1 * headDim;
    int m2 = m0 + h2 * headDim;
    int m3 = m0 + h3 * headDim;
    FloatVector a0 = FloatVector.fromArray(F, mixed, m0);
    FloatVector a1 = FloatVector.fromArray(F, mixed, m0 + apart);
    FloatVector b0 = FloatVector.fromArray(F, mixed, m1);
    FloatVector b1 = FloatVector.fromArray(F, mixed, m1 + apart);
    FloatVector c0 = FloatVector.fromArray(F, mixed, m2);
    FloatVector c1 = FloatVector.fromArray(F, mixed, m2 + apart);
    FloatVector d0 = FloatVector.fromArray(F, mixed, m3);
    FloatVector d1 = FloatVector.fromArray(F, mixed, m3 + apart);
    for (int i = from; i < to; i++, weights += lanes) {
      int row = rows[i] * headDim + d;
      FloatVector v0 = FloatVector.fromArray(F, data, row);
      FloatVector v1 = FloatVector.fromArray(F, data, row + apart);
      FloatVector w = FloatVector.broadcast(F, p[weights]);
      a0 = w.fma(v0, a0);
      a1 = w.fma(v1, a1);
      w = FloatVector.broadcast(F, p[weights + h1]);
      b0 = w.fma(v0, b0);
      b1 = w.fma(v1, b1);
      w = FloatVector.broadcast(F, p[weights + h2]);
      c0 = w.fma(v0, c0);
      c1 = w.fma(v1, c1);
      w = FloatVector.broadcast(F, p[weights + h3]);
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
