package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static orrery.kernels.Fp4Matrix.FIELDS;
import static orrery.kernels.Fp4Matrix.SIGN;
import static orrery.kernels.Fp4Matrix.UNIT;
import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * The product of a few rows with FP4 weights: each vector of codes is decoded once, in registers,
 * for all rows. Four rows by two panels make eight chains, enough to hide the latency of fma. In
 * place of a missing row or panel the last one is computed again, which writes the same bits twice.
 */
final class Fp4Loops {
  private Fp4Loops() {}

  /**
   * Whether so many rows are faster like this than over a decoded part, as measured. Only vectors
   * of 16 lanes pick a number out of 16 in one step.
   */
  static boolean pays(int rows) {
    return LANES == 16 && rows <= 16;
  }

  /**
   * Up to 4 rows by the panels p and, if {@code panels} is 2, p + 1.
   *
   * @param scale [panels][blocks][16] the scales of these panels
   * @param x [rows][xStride], columns from xOff on
   * @param y [rows][yStride], columns from yOff on
   */
  static void rows4(
      Fp4Matrix w,
      int p,
      int panels,
      float[] scale,
      int blocks,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride) {
    int x1 = Math.min(1, rows - 1) * xStride;
    int x2 = Math.min(2, rows - 1) * xStride;
    int x3 = Math.min(3, rows - 1) * xStride;
    for (int sub = 0; sub < PANEL; sub += LANES) {
      vectors(
          w,
          p,
          sub,
          panels - 1,
          scale,
          blocks,
          x,
          xOff,
          xOff + x1,
          xOff + x2,
          xOff + x3,
          y,
          yOff + p * PANEL + sub,
          rows,
          yStride);
    }
  }

  /** One vector of each of the two panels; {@code next} is 1, or 0 if there is no second. */
  private static void vectors(
      Fp4Matrix w,
      int p,
      int sub,
      int next,
      float[] scale,
      int blocks,
      float[] x,
      int x0,
      int x1,
      int x2,
      int x3,
      float[] y,
      int to,
      int rows,
      int yStride) {
    int[] codes = w.codes;
    int c0 = p * w.words * PANEL + sub;
    int c1 = c0 + next * w.words * PANEL;
    int s1 = next * blocks * PANEL + sub;
    IntVector table = IntVector.fromArray(I, Fp4Matrix.VALUES, 0);
    FloatVector t = FloatVector.broadcast(F, w.tensorScale);
    boolean scaled = w.tensorScale != 1;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    int at = 0; // inputs done
    for (int b = 0; b < blocks; b++) {
      FloatVector t0 = FloatVector.fromArray(F, scale, b * PANEL + sub);
      FloatVector t1 = FloatVector.fromArray(F, scale, s1 + b * PANEL);
      int words = Math.min(w.blockCols, w.in - b * w.blockCols) / 8;
      for (int word = 0; word < words; word++) {
        IntVector v0 = IntVector.fromArray(I, codes, c0 + word * PANEL);
        IntVector v1 = IntVector.fromArray(I, codes, c1 + word * PANEL);
        int k = at + word * 8;
        for (int j = 0; j < 8; j++) {
          IntVector i0 =
              switch (LANES) {
                case 16 -> v0.selectFrom(table);
                case 8 -> v0.selectFrom(table).or(v0.lanewise(LSHL, 28).and(SIGN));
                default -> v0.lanewise(LSHL, 28).lanewise(ASHR, 6).and(FIELDS);
              };
          IntVector i1 =
              switch (LANES) {
                case 16 -> v1.selectFrom(table);
                case 8 -> v1.selectFrom(table).or(v1.lanewise(LSHL, 28).and(SIGN));
                default -> v1.lanewise(LSHL, 28).lanewise(ASHR, 6).and(FIELDS);
              };
          FloatVector f0 = i0.reinterpretAsFloats();
          FloatVector f1 = i1.reinterpretAsFloats();
          if (LANES < 8) {
            f0 = f0.mul(UNIT);
            f1 = f1.mul(UNIT);
          }
          f0 = f0.mul(t0);
          f1 = f1.mul(t1);
          if (scaled) {
            f0 = f0.mul(t);
            f1 = f1.mul(t);
          }
          FloatVector s = FloatVector.broadcast(F, x[x0 + k + j]);
          a0 = f0.fma(s, a0);
          a1 = f1.fma(s, a1);
          s = FloatVector.broadcast(F, x[x1 + k + j]);
          b0 = f0.fma(s, b0);
          b1 = f1.fma(s, b1);
          s = FloatVector.broadcast(F, x[x2 + k + j]);
          e0 = f0.fma(s, e0);
          e1 = f1.fma(s, e1);
          s = FloatVector.broadcast(F, x[x3 + k + j]);
          d0 = f0.fma(s, d0);
          d1 = f1.fma(s, d1);
          v0 = v0.lanewise(LSHR, 4);
          v1 = v1.lanewise(LSHR, 4);
        }
      }
      c0 += words * PANEL;
      c1 += words * PANEL;
      at += words * 8;
    }
    int y1 = to + Math.min(1, rows - 1) * yStride;
    int y2 = to + Math.min(2, rows - 1) * yStride;
    int y3 = to + Math.min(3, rows - 1) * yStride;
    a0.intoArray(y, to);
    a1.intoArray(y, to + next * PANEL);
    b0.intoArray(y, y1);
    b1.intoArray(y, y1 + next * PANEL);
    e0.intoArray(y, y2);
    e1.intoArray(y, y2 + next * PANEL);
    d0.intoArray(y, y3);
    d1.intoArray(y, y3 + next * PANEL);
  }
}
