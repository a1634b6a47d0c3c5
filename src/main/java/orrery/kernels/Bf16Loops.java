package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * The inner loops of the packed product for bf16 weights. One int holds two consecutive k of one
 * output: the even weight is {@code v << 16}, the odd one {@code v & 0xFFFF0000}, both exact. A
 * core decodes on other execution ports than it runs fma on, so decoding is nearly free beside two
 * or more rows. Weights are never unpacked to memory.
 *
 * <p>The shapes and their reasons are those of {@link F32Loops}.
 */
final class Bf16Loops {
  private static final int HIGH_HALF = 0xFFFF0000;

  private static final int ROW_PANELS = RowVectors.panels(8);
  private static final int HALF = RowVectors.panels(4);

  private Bf16Loops() {}

  /**
   * Which loop takes the next rows: that of 6, 4, 3, 2 or 1. With 16 registers only the loop of 3
   * rows, with 9 chains, has room for what it decodes. Four panels are one pass of the loop of 2
   * rows, and two of that of 4.
   */
  static int rowsTogether(int left, int panels) {
    if (LANES < 16) {
      return left == 1 ? 1 : 3;
    }
    int rows = F32Loops.rowsTogether(left);
    return rows == 4 && panels == 4 ? 2 : rows;
  }

  /** One row, eight vectors of outputs at a time; the last group repeats its last one. */
  static void row1(
      int[] w, int in, float[] x, int xOff, float[] y, int yOff, int panelFrom, int panelTo) {
    int size = (in + 1) / 2; // ints of one output
    for (int p = panelFrom; p < panelTo; p += ROW_PANELS) {
      int panels = Math.min(ROW_PANELS, panelTo - p);
      if (panels <= HALF) {
        halfRow(w, in, x, xOff, y, yOff + p * PANEL, p * size * PANEL, panels);
        return;
      }
      int w0 = p * size * PANEL;
      int y0 = yOff + p * PANEL;
      int o1 = RowVectors.output(1, panels);
      int o2 = RowVectors.output(2, panels);
      int o3 = RowVectors.output(3, panels);
      int o4 = RowVectors.output(4, panels);
      int o5 = RowVectors.output(5, panels);
      int o6 = RowVectors.output(6, panels);
      int o7 = RowVectors.output(7, panels);
      int w1 = w0 + RowVectors.at(o1, size);
      int w2 = w0 + RowVectors.at(o2, size);
      int w3 = w0 + RowVectors.at(o3, size);
      int w4 = w0 + RowVectors.at(o4, size);
      int w5 = w0 + RowVectors.at(o5, size);
      int w6 = w0 + RowVectors.at(o6, size);
      int w7 = w0 + RowVectors.at(o7, size);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      FloatVector a6 = a0;
      FloatVector a7 = a0;
      int k = 0;
      for (; k + 1 < in; k += 2) {
        FloatVector even = FloatVector.broadcast(F, x[xOff + k]);
        FloatVector odd = FloatVector.broadcast(F, x[xOff + k + 1]);
        int at = k * (PANEL / 2);
        IntVector v0 = IntVector.fromArray(I, w, w0 + at);
        a0 = v0.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a0);
        a0 = v0.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a0);
        IntVector v1 = IntVector.fromArray(I, w, w1 + at);
        a1 = v1.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a1);
        a1 = v1.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a1);
        IntVector v2 = IntVector.fromArray(I, w, w2 + at);
        a2 = v2.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a2);
        a2 = v2.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a2);
        IntVector v3 = IntVector.fromArray(I, w, w3 + at);
        a3 = v3.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a3);
        a3 = v3.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a3);
        IntVector v4 = IntVector.fromArray(I, w, w4 + at);
        a4 = v4.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a4);
        a4 = v4.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a4);
        IntVector v5 = IntVector.fromArray(I, w, w5 + at);
        a5 = v5.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a5);
        a5 = v5.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a5);
        IntVector v6 = IntVector.fromArray(I, w, w6 + at);
        a6 = v6.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a6);
        a6 = v6.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a6);
        IntVector v7 = IntVector.fromArray(I, w, w7 + at);
        a7 = v7.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a7);
        a7 = v7.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a7);
      }
      if (k < in) {
        FloatVector even = FloatVector.broadcast(F, x[xOff + k]);
        int at = k * (PANEL / 2);
        IntVector v0 = IntVector.fromArray(I, w, w0 + at);
        a0 = v0.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a0);
        IntVector v1 = IntVector.fromArray(I, w, w1 + at);
        a1 = v1.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a1);
        IntVector v2 = IntVector.fromArray(I, w, w2 + at);
        a2 = v2.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a2);
        IntVector v3 = IntVector.fromArray(I, w, w3 + at);
        a3 = v3.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a3);
        IntVector v4 = IntVector.fromArray(I, w, w4 + at);
        a4 = v4.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a4);
        IntVector v5 = IntVector.fromArray(I, w, w5 + at);
        a5 = v5.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a5);
        IntVector v6 = IntVector.fromArray(I, w, w6 + at);
        a6 = v6.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a6);
        IntVector v7 = IntVector.fromArray(I, w, w7 + at);
        a7 = v7.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a7);
      }
      a0.intoArray(y, y0);
      a1.intoArray(y, y0 + o1);
      a2.intoArray(y, y0 + o2);
      a3.intoArray(y, y0 + o3);
      a4.intoArray(y, y0 + o4);
      a5.intoArray(y, y0 + o5);
      a6.intoArray(y, y0 + o6);
      a7.intoArray(y, y0 + o7);
    }
  }

  /**
   * One row, up to four vectors. A share of one row often has so few; where two ports run both fma
   * and shifts, repeated vectors would take as long as others.
   */
  private static void halfRow(
      int[] w, int in, float[] x, int xOff, float[] y, int y0, int w0, int panels) {
    int size = (in + 1) / 2;
    int o1 = RowVectors.output(1, panels);
    int o2 = RowVectors.output(2, panels);
    int o3 = RowVectors.output(3, panels);
    int w1 = w0 + RowVectors.at(o1, size);
    int w2 = w0 + RowVectors.at(o2, size);
    int w3 = w0 + RowVectors.at(o3, size);
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    int k = 0;
    for (; k + 1 < in; k += 2) {
      FloatVector even = FloatVector.broadcast(F, x[xOff + k]);
      FloatVector odd = FloatVector.broadcast(F, x[xOff + k + 1]);
      int at = k * (PANEL / 2);
      IntVector v0 = IntVector.fromArray(I, w, w0 + at);
      a0 = v0.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a0);
      a0 = v0.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a0);
      IntVector v1 = IntVector.fromArray(I, w, w1 + at);
      a1 = v1.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a1);
      a1 = v1.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a1);
      IntVector v2 = IntVector.fromArray(I, w, w2 + at);
      a2 = v2.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a2);
      a2 = v2.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a2);
      IntVector v3 = IntVector.fromArray(I, w, w3 + at);
      a3 = v3.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a3);
      a3 = v3.and(HIGH_HALF).reinterpretAsFloats().fma(odd, a3);
    }
    if (k < in) {
      FloatVector even = FloatVector.broadcast(F, x[xOff + k]);
      int at = k * (PANEL / 2);
      IntVector v0 = IntVector.fromArray(I, w, w0 + at);
      a0 = v0.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a0);
      IntVector v1 = IntVector.fromArray(I, w, w1 + at);
      a1 = v1.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a1);
      IntVector v2 = IntVector.fromArray(I, w, w2 + at);
      a2 = v2.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a2);
      IntVector v3 = IntVector.fromArray(I, w, w3 + at);
      a3 = v3.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a3);
    }
    a0.intoArray(y, y0);
    a1.intoArray(y, y0 + o1);
    a2.intoArray(y, y0 + o2);
    a3.intoArray(y, y0 + o3);
  }

  /** Up to 2 rows by 4 panels; missing rows and panels repeat the last one. */
  static void rows2(
      int[] w,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo) {
    int panelSize = (in + 1) / 2 * PANEL;
    int lastPanel = panelTo - 1;
    int x0 = xOff;
    int x1 = xOff + Math.min(1, rows - 1) * xStride;
    int y0 = yOff;
    int y1 = yOff + Math.min(1, rows - 1) * yStride;
    for (int p = panelFrom; p < panelTo; p += 4) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      int p2 = Math.min(p + 2, lastPanel);
      int p3 = Math.min(p + 3, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = p0 * panelSize + sub;
        int w1 = p1 * panelSize + sub;
        int w2 = p2 * panelSize + sub;
        int w3 = p3 * panelSize + sub;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        int k = 0;
        for (; k + 1 < in; k += 2) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i2 = IntVector.fromArray(I, w, w2 + at);
          FloatVector v2 = i2.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i3 = IntVector.fromArray(I, w, w3 + at);
          FloatVector v3 = i3.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          a3 = v3.fma(s, a3);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          b3 = v3.fma(s, b3);
          v0 = i0.and(HIGH_HALF).reinterpretAsFloats();
          v1 = i1.and(HIGH_HALF).reinterpretAsFloats();
          v2 = i2.and(HIGH_HALF).reinterpretAsFloats();
          v3 = i3.and(HIGH_HALF).reinterpretAsFloats();
          s = FloatVector.broadcast(F, x[x0 + k + 1]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          a3 = v3.fma(s, a3);
          s = FloatVector.broadcast(F, x[x1 + k + 1]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          b3 = v3.fma(s, b3);
        }
        if (k < in) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i2 = IntVector.fromArray(I, w, w2 + at);
          FloatVector v2 = i2.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i3 = IntVector.fromArray(I, w, w3 + at);
          FloatVector v3 = i3.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          a3 = v3.fma(s, a3);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          b3 = v3.fma(s, b3);
        }
        a0.intoArray(y, y0 + p0 * PANEL + sub);
        a1.intoArray(y, y0 + p1 * PANEL + sub);
        a2.intoArray(y, y0 + p2 * PANEL + sub);
        a3.intoArray(y, y0 + p3 * PANEL + sub);
        b0.intoArray(y, y1 + p0 * PANEL + sub);
        b1.intoArray(y, y1 + p1 * PANEL + sub);
        b2.intoArray(y, y1 + p2 * PANEL + sub);
        b3.intoArray(y, y1 + p3 * PANEL + sub);
      }
    }
  }

  /** Up to 3 rows by 3 panels; missing rows and panels repeat the last one. */
  static void rows3(
      int[] w,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo) {
    int panelSize = (in + 1) / 2 * PANEL;
    int lastPanel = panelTo - 1;
    int x0 = xOff;
    int x1 = xOff + Math.min(1, rows - 1) * xStride;
    int x2 = xOff + Math.min(2, rows - 1) * xStride;
    int y0 = yOff;
    int y1 = yOff + Math.min(1, rows - 1) * yStride;
    int y2 = yOff + Math.min(2, rows - 1) * yStride;
    for (int p = panelFrom; p < panelTo; p += 3) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      int p2 = Math.min(p + 2, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = p0 * panelSize + sub;
        int w1 = p1 * panelSize + sub;
        int w2 = p2 * panelSize + sub;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector c0 = a0;
        FloatVector c1 = a0;
        FloatVector c2 = a0;
        int k = 0;
        for (; k + 1 < in; k += 2) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i2 = IntVector.fromArray(I, w, w2 + at);
          FloatVector v2 = i2.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          s = FloatVector.broadcast(F, x[x2 + k]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          c2 = v2.fma(s, c2);
          v0 = i0.and(HIGH_HALF).reinterpretAsFloats();
          v1 = i1.and(HIGH_HALF).reinterpretAsFloats();
          v2 = i2.and(HIGH_HALF).reinterpretAsFloats();
          s = FloatVector.broadcast(F, x[x0 + k + 1]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          s = FloatVector.broadcast(F, x[x1 + k + 1]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          s = FloatVector.broadcast(F, x[x2 + k + 1]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          c2 = v2.fma(s, c2);
        }
        if (k < in) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i2 = IntVector.fromArray(I, w, w2 + at);
          FloatVector v2 = i2.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          s = FloatVector.broadcast(F, x[x2 + k]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          c2 = v2.fma(s, c2);
        }
        a0.intoArray(y, y0 + p0 * PANEL + sub);
        a1.intoArray(y, y0 + p1 * PANEL + sub);
        a2.intoArray(y, y0 + p2 * PANEL + sub);
        b0.intoArray(y, y1 + p0 * PANEL + sub);
        b1.intoArray(y, y1 + p1 * PANEL + sub);
        b2.intoArray(y, y1 + p2 * PANEL + sub);
        c0.intoArray(y, y2 + p0 * PANEL + sub);
        c1.intoArray(y, y2 + p1 * PANEL + sub);
        c2.intoArray(y, y2 + p2 * PANEL + sub);
      }
    }
  }

  /** Up to 4 rows by 3 panels; missing rows and panels repeat the last one. */
  static void rows4(
      int[] w,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo) {
    int panelSize = (in + 1) / 2 * PANEL;
    int lastPanel = panelTo - 1;
    int x0 = xOff;
    int x1 = xOff + Math.min(1, rows - 1) * xStride;
    int x2 = xOff + Math.min(2, rows - 1) * xStride;
    int x3 = xOff + Math.min(3, rows - 1) * xStride;
    int y0 = yOff;
    int y1 = yOff + Math.min(1, rows - 1) * yStride;
    int y2 = yOff + Math.min(2, rows - 1) * yStride;
    int y3 = yOff + Math.min(3, rows - 1) * yStride;
    for (int p = panelFrom; p < panelTo; p += 3) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      int p2 = Math.min(p + 2, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = p0 * panelSize + sub;
        int w1 = p1 * panelSize + sub;
        int w2 = p2 * panelSize + sub;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector c0 = a0;
        FloatVector c1 = a0;
        FloatVector c2 = a0;
        FloatVector d0 = a0;
        FloatVector d1 = a0;
        FloatVector d2 = a0;
        int k = 0;
        for (; k + 1 < in; k += 2) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i2 = IntVector.fromArray(I, w, w2 + at);
          FloatVector v2 = i2.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          s = FloatVector.broadcast(F, x[x2 + k]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          c2 = v2.fma(s, c2);
          s = FloatVector.broadcast(F, x[x3 + k]);
          d0 = v0.fma(s, d0);
          d1 = v1.fma(s, d1);
          d2 = v2.fma(s, d2);
          v0 = i0.and(HIGH_HALF).reinterpretAsFloats();
          v1 = i1.and(HIGH_HALF).reinterpretAsFloats();
          v2 = i2.and(HIGH_HALF).reinterpretAsFloats();
          s = FloatVector.broadcast(F, x[x0 + k + 1]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          s = FloatVector.broadcast(F, x[x1 + k + 1]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          s = FloatVector.broadcast(F, x[x2 + k + 1]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          c2 = v2.fma(s, c2);
          s = FloatVector.broadcast(F, x[x3 + k + 1]);
          d0 = v0.fma(s, d0);
          d1 = v1.fma(s, d1);
          d2 = v2.fma(s, d2);
        }
        if (k < in) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i2 = IntVector.fromArray(I, w, w2 + at);
          FloatVector v2 = i2.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          a2 = v2.fma(s, a2);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          b2 = v2.fma(s, b2);
          s = FloatVector.broadcast(F, x[x2 + k]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          c2 = v2.fma(s, c2);
          s = FloatVector.broadcast(F, x[x3 + k]);
          d0 = v0.fma(s, d0);
          d1 = v1.fma(s, d1);
          d2 = v2.fma(s, d2);
        }
        a0.intoArray(y, y0 + p0 * PANEL + sub);
        a1.intoArray(y, y0 + p1 * PANEL + sub);
        a2.intoArray(y, y0 + p2 * PANEL + sub);
        b0.intoArray(y, y1 + p0 * PANEL + sub);
        b1.intoArray(y, y1 + p1 * PANEL + sub);
        b2.intoArray(y, y1 + p2 * PANEL + sub);
        c0.intoArray(y, y2 + p0 * PANEL + sub);
        c1.intoArray(y, y2 + p1 * PANEL + sub);
        c2.intoArray(y, y2 + p2 * PANEL + sub);
        d0.intoArray(y, y3 + p0 * PANEL + sub);
        d1.intoArray(y, y3 + p1 * PANEL + sub);
        d2.intoArray(y, y3 + p2 * PANEL + sub);
      }
    }
  }

  /** Up to 6 rows by 2 panels; missing rows and panels repeat the last one. */
  static void rows6(
      int[] w,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo) {
    int panelSize = (in + 1) / 2 * PANEL;
    int lastPanel = panelTo - 1;
    int x0 = xOff;
    int x1 = xOff + Math.min(1, rows - 1) * xStride;
    int x2 = xOff + Math.min(2, rows - 1) * xStride;
    int x3 = xOff + Math.min(3, rows - 1) * xStride;
    int x4 = xOff + Math.min(4, rows - 1) * xStride;
    int x5 = xOff + Math.min(5, rows - 1) * xStride;
    int y0 = yOff;
    int y1 = yOff + Math.min(1, rows - 1) * yStride;
    int y2 = yOff + Math.min(2, rows - 1) * yStride;
    int y3 = yOff + Math.min(3, rows - 1) * yStride;
    int y4 = yOff + Math.min(4, rows - 1) * yStride;
    int y5 = yOff + Math.min(5, rows - 1) * yStride;
    for (int p = panelFrom; p < panelTo; p += 2) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = p0 * panelSize + sub;
        int w1 = p1 * panelSize + sub;
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
        FloatVector f0 = a0;
        FloatVector f1 = a0;
        int k = 0;
        for (; k + 1 < in; k += 2) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          s = FloatVector.broadcast(F, x[x2 + k]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          s = FloatVector.broadcast(F, x[x3 + k]);
          d0 = v0.fma(s, d0);
          d1 = v1.fma(s, d1);
          s = FloatVector.broadcast(F, x[x4 + k]);
          e0 = v0.fma(s, e0);
          e1 = v1.fma(s, e1);
          s = FloatVector.broadcast(F, x[x5 + k]);
          f0 = v0.fma(s, f0);
          f1 = v1.fma(s, f1);
          v0 = i0.and(HIGH_HALF).reinterpretAsFloats();
          v1 = i1.and(HIGH_HALF).reinterpretAsFloats();
          s = FloatVector.broadcast(F, x[x0 + k + 1]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          s = FloatVector.broadcast(F, x[x1 + k + 1]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          s = FloatVector.broadcast(F, x[x2 + k + 1]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          s = FloatVector.broadcast(F, x[x3 + k + 1]);
          d0 = v0.fma(s, d0);
          d1 = v1.fma(s, d1);
          s = FloatVector.broadcast(F, x[x4 + k + 1]);
          e0 = v0.fma(s, e0);
          e1 = v1.fma(s, e1);
          s = FloatVector.broadcast(F, x[x5 + k + 1]);
          f0 = v0.fma(s, f0);
          f1 = v1.fma(s, f1);
        }
        if (k < in) {
          int at = k * (PANEL / 2);
          IntVector i0 = IntVector.fromArray(I, w, w0 + at);
          FloatVector v0 = i0.lanewise(LSHL, 16).reinterpretAsFloats();
          IntVector i1 = IntVector.fromArray(I, w, w1 + at);
          FloatVector v1 = i1.lanewise(LSHL, 16).reinterpretAsFloats();
          FloatVector s = FloatVector.broadcast(F, x[x0 + k]);
          a0 = v0.fma(s, a0);
          a1 = v1.fma(s, a1);
          s = FloatVector.broadcast(F, x[x1 + k]);
          b0 = v0.fma(s, b0);
          b1 = v1.fma(s, b1);
          s = FloatVector.broadcast(F, x[x2 + k]);
          c0 = v0.fma(s, c0);
          c1 = v1.fma(s, c1);
          s = FloatVector.broadcast(F, x[x3 + k]);
          d0 = v0.fma(s, d0);
          d1 = v1.fma(s, d1);
          s = FloatVector.broadcast(F, x[x4 + k]);
          e0 = v0.fma(s, e0);
          e1 = v1.fma(s, e1);
          s = FloatVector.broadcast(F, x[x5 + k]);
          f0 = v0.fma(s, f0);
          f1 = v1.fma(s, f1);
        }
        a0.intoArray(y, y0 + p0 * PANEL + sub);
        a1.intoArray(y, y0 + p1 * PANEL + sub);
        b0.intoArray(y, y1 + p0 * PANEL + sub);
        b1.intoArray(y, y1 + p1 * PANEL + sub);
        c0.intoArray(y, y2 + p0 * PANEL + sub);
        c1.intoArray(y, y2 + p1 * PANEL + sub);
        d0.intoArray(y, y3 + p0 * PANEL + sub);
        d1.intoArray(y, y3 + p1 * PANEL + sub);
        e0.intoArray(y, y4 + p0 * PANEL + sub);
        e1.intoArray(y, y4 + p1 * PANEL + sub);
        f0.intoArray(y, y5 + p0 * PANEL + sub);
        f1.intoArray(y, y5 + p1 * PANEL + sub);
      }
    }
  }
}
