package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of the packed product over panels of floats, unrolled by hand: Java has no arrays
 * of registers. They add the products of some inputs to y, where the chains rest between parts of
 * k.
 *
 * <p>Every accumulator is one output's chain over increasing k. The shape of a loop (rows by
 * panels) only decides how many chains run side by side: enough to hide the latency of fma (8 on
 * current cores), few enough for the registers (32 with AVX-512, 16 with AVX2). The same code
 * computes left-over rows and panels. It then repeats the last row or panel in place of a missing
 * one, so the same bits go to the same place twice.
 */
final class F32Loops {
  /** A multiple of the panels that the 6-row (2) and the 4-row loop (3) take at a time. */
  static final int PANELS_TOGETHER = 6;

  private static final int ROW_PANELS = RowVectors.panels(8);

  private F32Loops() {}

  /** Few panels at a time if many rows pass by, so that the panels stay in the cache. */
  static int panelsTogether(int rows, int panels) {
    return rows <= 4 ? Math.max(1, panels) : PANELS_TOGETHER;
  }

  /**
   * How many rows the next loop takes: 6, 4, 3, 2 or 1. 7 and 8 rows go as 4 and what is left,
   * since a group of 6 leaves 1 or 2, and so few rows leave half the machine idle. (Floats have no
   * loop of 3 rows; that of 4 takes them.)
   */
  static int rowsTogether(int left) {
    return left >= 5 && left != 7 && left != 8 ? 6 : Math.min(left, 4);
  }

  /**
   * Adds the products of {@code in} inputs to the outputs of {@code panels} panels.
   *
   * @param w [panels][in][16] from wOff
   * @param x [rows][xStride], columns from xOff on
   * @param y [rows][yStride], columns from yOff on
   */
  static void add(
      float[] w,
      int wOff,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panels) {
    for (int row = 0; row < rows; ) {
      int take = rowsTogether(rows - row);
      int n = Math.min(take, rows - row);
      int xRow = xOff + row * xStride;
      int yRow = yOff + row * yStride;
      switch (take) {
        case 6 -> rows6(w, wOff, in, x, xRow, xStride, n, y, yRow, yStride, panels);
        case 4, 3 -> rows4(w, wOff, in, x, xRow, xStride, n, y, yRow, yStride, panels);
        case 2 -> rows2(w, wOff, in, x, xRow, xStride, n, y, yRow, yStride, panels);
        default -> row1(w, wOff, in, x, xRow, y, yRow, panels);
      }
      row += n;
    }
  }

  /** One row, eight vectors of outputs at a time; the last group repeats its last one. */
  private static void row1(
      float[] w, int wOff, int in, float[] x, int xOff, float[] y, int yOff, int panels) {
    for (int p = 0; p < panels; p += ROW_PANELS) {
      int group = Math.min(ROW_PANELS, panels - p);
      int w0 = wOff + p * in * PANEL;
      int y0 = yOff + p * PANEL;
      int o1 = RowVectors.output(1, group);
      int o2 = RowVectors.output(2, group);
      int o3 = RowVectors.output(3, group);
      int o4 = RowVectors.output(4, group);
      int o5 = RowVectors.output(5, group);
      int o6 = RowVectors.output(6, group);
      int o7 = RowVectors.output(7, group);
      int w1 = w0 + RowVectors.at(o1, in);
      int w2 = w0 + RowVectors.at(o2, in);
      int w3 = w0 + RowVectors.at(o3, in);
      int w4 = w0 + RowVectors.at(o4, in);
      int w5 = w0 + RowVectors.at(o5, in);
      int w6 = w0 + RowVectors.at(o6, in);
      int w7 = w0 + RowVectors.at(o7, in);
      FloatVector a0 = FloatVector.fromArray(F, y, y0);
      FloatVector a1 = FloatVector.fromArray(F, y, y0 + o1);
      FloatVector a2 = FloatVector.fromArray(F, y, y0 + o2);
      FloatVector a3 = FloatVector.fromArray(F, y, y0 + o3);
      FloatVector a4 = FloatVector.fromArray(F, y, y0 + o4);
      FloatVector a5 = FloatVector.fromArray(F, y, y0 + o5);
      FloatVector a6 = FloatVector.fromArray(F, y, y0 + o6);
      FloatVector a7 = FloatVector.fromArray(F, y, y0 + o7);
      for (int k = 0; k < in; k++) {
        FloatVector s = FloatVector.broadcast(F, x[xOff + k]);
        int at = k * PANEL;
        a0 = FloatVector.fromArray(F, w, w0 + at).fma(s, a0);
        a1 = FloatVector.fromArray(F, w, w1 + at).fma(s, a1);
        a2 = FloatVector.fromArray(F, w, w2 + at).fma(s, a2);
        a3 = FloatVector.fromArray(F, w, w3 + at).fma(s, a3);
        a4 = FloatVector.fromArray(F, w, w4 + at).fma(s, a4);
        a5 = FloatVector.fromArray(F, w, w5 + at).fma(s, a5);
        a6 = FloatVector.fromArray(F, w, w6 + at).fma(s, a6);
        a7 = FloatVector.fromArray(F, w, w7 + at).fma(s, a7);
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

  /** Up to 2 rows by 4 panels; missing rows and panels repeat the last one. */
  private static void rows2(
      float[] w,
      int wOff,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panels) {
    int panelSize = in * PANEL;
    int lastPanel = panels - 1;
    int x0 = xOff;
    int x1 = xOff + Math.min(1, rows - 1) * xStride;
    int y0 = yOff;
    int y1 = yOff + Math.min(1, rows - 1) * yStride;
    for (int p = 0; p < panels; p += 4) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      int p2 = Math.min(p + 2, lastPanel);
      int p3 = Math.min(p + 3, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = wOff + p0 * panelSize + sub;
        int w1 = wOff + p1 * panelSize + sub;
        int w2 = wOff + p2 * panelSize + sub;
        int w3 = wOff + p3 * panelSize + sub;
        FloatVector a0 = FloatVector.fromArray(F, y, y0 + p0 * PANEL + sub);
        FloatVector a1 = FloatVector.fromArray(F, y, y0 + p1 * PANEL + sub);
        FloatVector a2 = FloatVector.fromArray(F, y, y0 + p2 * PANEL + sub);
        FloatVector a3 = FloatVector.fromArray(F, y, y0 + p3 * PANEL + sub);
        FloatVector b0 = FloatVector.fromArray(F, y, y1 + p0 * PANEL + sub);
        FloatVector b1 = FloatVector.fromArray(F, y, y1 + p1 * PANEL + sub);
        FloatVector b2 = FloatVector.fromArray(F, y, y1 + p2 * PANEL + sub);
        FloatVector b3 = FloatVector.fromArray(F, y, y1 + p3 * PANEL + sub);
        for (int k = 0; k < in; k++) {
          int at = k * PANEL;
          FloatVector v0 = FloatVector.fromArray(F, w, w0 + at);
          FloatVector v1 = FloatVector.fromArray(F, w, w1 + at);
          FloatVector v2 = FloatVector.fromArray(F, w, w2 + at);
          FloatVector v3 = FloatVector.fromArray(F, w, w3 + at);
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

  /** Up to 4 rows by 3 panels; missing rows and panels repeat the last one. */
  private static void rows4(
      float[] w,
      int wOff,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panels) {
    int panelSize = in * PANEL;
    int lastPanel = panels - 1;
    int x0 = xOff;
    int x1 = xOff + Math.min(1, rows - 1) * xStride;
    int x2 = xOff + Math.min(2, rows - 1) * xStride;
    int x3 = xOff + Math.min(3, rows - 1) * xStride;
    int y0 = yOff;
    int y1 = yOff + Math.min(1, rows - 1) * yStride;
    int y2 = yOff + Math.min(2, rows - 1) * yStride;
    int y3 = yOff + Math.min(3, rows - 1) * yStride;
    for (int p = 0; p < panels; p += 3) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      int p2 = Math.min(p + 2, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = wOff + p0 * panelSize + sub;
        int w1 = wOff + p1 * panelSize + sub;
        int w2 = wOff + p2 * panelSize + sub;
        FloatVector a0 = FloatVector.fromArray(F, y, y0 + p0 * PANEL + sub);
        FloatVector a1 = FloatVector.fromArray(F, y, y0 + p1 * PANEL + sub);
        FloatVector a2 = FloatVector.fromArray(F, y, y0 + p2 * PANEL + sub);
        FloatVector b0 = FloatVector.fromArray(F, y, y1 + p0 * PANEL + sub);
        FloatVector b1 = FloatVector.fromArray(F, y, y1 + p1 * PANEL + sub);
        FloatVector b2 = FloatVector.fromArray(F, y, y1 + p2 * PANEL + sub);
        FloatVector c0 = FloatVector.fromArray(F, y, y2 + p0 * PANEL + sub);
        FloatVector c1 = FloatVector.fromArray(F, y, y2 + p1 * PANEL + sub);
        FloatVector c2 = FloatVector.fromArray(F, y, y2 + p2 * PANEL + sub);
        FloatVector d0 = FloatVector.fromArray(F, y, y3 + p0 * PANEL + sub);
        FloatVector d1 = FloatVector.fromArray(F, y, y3 + p1 * PANEL + sub);
        FloatVector d2 = FloatVector.fromArray(F, y, y3 + p2 * PANEL + sub);
        int k = 0;
        for (; k + 1 < in; k += 2) {
          int at = k * PANEL;
          FloatVector v0 = FloatVector.fromArray(F, w, w0 + at);
          FloatVector v1 = FloatVector.fromArray(F, w, w1 + at);
          FloatVector v2 = FloatVector.fromArray(F, w, w2 + at);
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
          at += PANEL;
          v0 = FloatVector.fromArray(F, w, w0 + at);
          v1 = FloatVector.fromArray(F, w, w1 + at);
          v2 = FloatVector.fromArray(F, w, w2 + at);
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
          int at = k * PANEL;
          FloatVector v0 = FloatVector.fromArray(F, w, w0 + at);
          FloatVector v1 = FloatVector.fromArray(F, w, w1 + at);
          FloatVector v2 = FloatVector.fromArray(F, w, w2 + at);
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
  private static void rows6(
      float[] w,
      int wOff,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panels) {
    int panelSize = in * PANEL;
    int lastPanel = panels - 1;
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
    for (int p = 0; p < panels; p += 2) {
      int p0 = p;
      int p1 = Math.min(p + 1, lastPanel);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = wOff + p0 * panelSize + sub;
        int w1 = wOff + p1 * panelSize + sub;
        FloatVector a0 = FloatVector.fromArray(F, y, y0 + p0 * PANEL + sub);
        FloatVector a1 = FloatVector.fromArray(F, y, y0 + p1 * PANEL + sub);
        FloatVector b0 = FloatVector.fromArray(F, y, y1 + p0 * PANEL + sub);
        FloatVector b1 = FloatVector.fromArray(F, y, y1 + p1 * PANEL + sub);
        FloatVector c0 = FloatVector.fromArray(F, y, y2 + p0 * PANEL + sub);
        FloatVector c1 = FloatVector.fromArray(F, y, y2 + p1 * PANEL + sub);
        FloatVector d0 = FloatVector.fromArray(F, y, y3 + p0 * PANEL + sub);
        FloatVector d1 = FloatVector.fromArray(F, y, y3 + p1 * PANEL + sub);
        FloatVector e0 = FloatVector.fromArray(F, y, y4 + p0 * PANEL + sub);
        FloatVector e1 = FloatVector.fromArray(F, y, y4 + p1 * PANEL + sub);
        FloatVector f0 = FloatVector.fromArray(F, y, y5 + p0 * PANEL + sub);
        FloatVector f1 = FloatVector.fromArray(F, y, y5 + p1 * PANEL + sub);
        int k = 0;
        for (; k + 1 < in; k += 2) {
          int at = k * PANEL;
          FloatVector v0 = FloatVector.fromArray(F, w, w0 + at);
          FloatVector v1 = FloatVector.fromArray(F, w, w1 + at);
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
          at += PANEL;
          v0 = FloatVector.fromArray(F, w, w0 + at);
          v1 = FloatVector.fromArray(F, w, w1 + at);
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
          int at = k * PANEL;
          FloatVector v0 = FloatVector.fromArray(F, w, w0 + at);
          FloatVector v1 = FloatVector.fromArray(F, w, w1 + at);
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
