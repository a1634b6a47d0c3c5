package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.CodedMatrix;

/**
 * FP8 weights, E4M3. An int holds four consecutive k of one output.
 *
 * <p>A vector decodes a code by moving its fields to where a float has them:
 *
 * <pre>
 *   seeeemmm ........ ........ ........      the code in the top byte
 *   sssssEEE EMMM.... ........ ........      shifted right by 4, the sign copied
 *   s0000eee emmm0000 00000000 00000000      and masked: a float of c · 2^-120
 * </pre>
 *
 * The block's scale, times 2^120, undoes the power of two; so c · s is rounded once, as it is in
 * {@link #decode}. A subnormal code is a subnormal float on the way: exact, but slow on many cores.
 * Such codes are rare. If s · 2^120 would be infinite, or with a tensor scale, vectors leave the
 * matrix to the definition.
 */
final class Fp8E4M3Matrix extends CodePanels {
  /** The fields of a code, four bits below the top. */
  static final int FIELDS = 0x87F0_0000;

  /** What undoes the power of two: a float's exponent 120 less than E4M3's bias of 7 asks for. */
  static final float UNIT = 0x1p120f;

  private final boolean inVectors; // whether vectors may decode

  Fp8E4M3Matrix(CodedMatrix m) {
    super(m);
    inVectors = isAligned() && tensorScale == 1 && scales.largest() * UNIT <= Float.MAX_VALUE;
  }

  @Override
  float value(int code) {
    return Fp8E4M3.decode(code);
  }

  @Override
  void decodeInVectors(int panel, int from, int to, float[] into, int offset, Scratch scratch) {
    if (!inVectors) {
      decode(panel, from, to, into, offset);
      return;
    }
    float[] scale = scratch.scales(PANEL); // [16]
    for (int k = from; k < to; ) {
      int end = Math.min(to, blockEnd(k));
      scales.unpack(panel, k / blockCols, k / blockCols + 1, UNIT, scale, 0);
      int at = (panel * words + k / perWord) * PANEL;
      Loops.decode(codes, at, end - k, scale, into, offset + (k - from) * PANEL);
      k = end;
    }
  }

  @Override
  void productOfOneRow(
      float[] x, int xOff, float[] y, int yOff, int panelFrom, int panelTo, Scratch scratch) {
    if (!inVectors) {
      super.productOfOneRow(x, xOff, y, yOff, panelFrom, panelTo, scratch);
      return;
    }
    int blocks = (in - 1) / blockCols + 1;
    float[] scale = scratch.scales(Loops.ROW_PANELS * blocks * PANEL); // [panels][blocks][16]
    for (int p = panelFrom; p < panelTo; p += Loops.ROW_PANELS) {
      int panels = Math.min(Loops.ROW_PANELS, panelTo - p);
      for (int i = 0; i < panels; i++) {
        scales.unpack(p + i, 0, blocks, UNIT, scale, i * blocks * PANEL);
      }
      Loops.row(this, p, panels, scale, blocks, x, xOff, y, yOff);
    }
  }

  @Override
  void productOfRows(
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo,
      Scratch scratch) {
    if (!(inVectors && Fp8Loops.pays(rows))) {
      super.productOfRows(x, xOff, xStride, rows, y, yOff, yStride, panelFrom, panelTo, scratch);
      return;
    }
    int blocks = (in - 1) / blockCols + 1;
    float[] scale = scratch.scales(2 * blocks * PANEL); // [2][blocks][16]
    for (int p = panelFrom; p < panelTo; p += 2) {
      int panels = Math.min(2, panelTo - p);
      for (int i = 0; i < panels; i++) {
        scales.unpack(p + i, 0, blocks, UNIT, scale, i * blocks * PANEL);
      }
      for (int row = 0; row < rows; row += 4) {
        int xRow = xOff + row * xStride;
        int yRow = yOff + row * yStride;
        int n = Math.min(4, rows - row);
        Fp8Loops.rows4(this, p, panels, scale, blocks, x, xRow, xStride, n, y, yRow, yStride);
      }
    }
  }

  /** A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    static final int ROW_PANELS = RowVectors.panels(4);

    private Loops() {}

    /** Decodes {@code inputs} of one block; {@code into} receives [inputs][16]. */
    static void decode(int[] codes, int at, int inputs, float[] scale, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        FloatVector s = FloatVector.fromArray(F, scale, sub);
        int from = at + sub;
        int to = offset + sub;
        for (int word = 0; word < inputs / 4; word++) {
          IntVector v = IntVector.fromArray(I, codes, from + word * PANEL);
          IntVector i = v.lanewise(LSHL, 24).lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + word * 4 * PANEL);
          i = v.lanewise(LSHL, 16).lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + (word * 4 + 1) * PANEL);
          i = v.lanewise(LSHL, 8).lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + (word * 4 + 2) * PANEL);
          i = v.lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + (word * 4 + 3) * PANEL);
        }
      }
    }

    /** One row by four vectors of outputs from panel p on; after the last one, it comes again. */
    static void row(
        Fp8E4M3Matrix w,
        int p,
        int panels,
        float[] scale,
        int blocks,
        float[] x,
        int xOff,
        float[] y,
        int yOff) {
      int[] codes = w.codes;
      int o1 = RowVectors.output(1, panels);
      int o2 = RowVectors.output(2, panels);
      int o3 = RowVectors.output(3, panels);
      int s1 = RowVectors.at(o1, blocks);
      int s2 = RowVectors.at(o2, blocks);
      int s3 = RowVectors.at(o3, blocks);
      int c0 = p * w.words * PANEL;
      int c1 = c0 + RowVectors.at(o1, w.words);
      int c2 = c0 + RowVectors.at(o2, w.words);
      int c3 = c0 + RowVectors.at(o3, w.words);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      int xAt = xOff;
      for (int b = 0; b < blocks; b++) {
        FloatVector t0 = FloatVector.fromArray(F, scale, b * PANEL);
        FloatVector t1 = FloatVector.fromArray(F, scale, s1 + b * PANEL);
        FloatVector t2 = FloatVector.fromArray(F, scale, s2 + b * PANEL);
        FloatVector t3 = FloatVector.fromArray(F, scale, s3 + b * PANEL);
        int words = (Math.min(w.blockCols, w.in - b * w.blockCols)) / 4;
        for (int word = 0; word < words; word++) {
          IntVector v0 = IntVector.fromArray(I, codes, c0 + word * PANEL);
          IntVector v1 = IntVector.fromArray(I, codes, c1 + word * PANEL);
          IntVector v2 = IntVector.fromArray(I, codes, c2 + word * PANEL);
          IntVector v3 = IntVector.fromArray(I, codes, c3 + word * PANEL);
          FloatVector xk = FloatVector.broadcast(F, x[xAt + word * 4]);
          a0 =
              v0.lanewise(LSHL, 24)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t0)
                  .fma(xk, a0);
          a1 =
              v1.lanewise(LSHL, 24)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t1)
                  .fma(xk, a1);
          a2 =
              v2.lanewise(LSHL, 24)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t2)
                  .fma(xk, a2);
          a3 =
              v3.lanewise(LSHL, 24)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t3)
                  .fma(xk, a3);
          xk = FloatVector.broadcast(F, x[xAt + word * 4 + 1]);
          a0 =
              v0.lanewise(LSHL, 16)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t0)
                  .fma(xk, a0);
          a1 =
              v1.lanewise(LSHL, 16)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t1)
                  .fma(xk, a1);
          a2 =
              v2.lanewise(LSHL, 16)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t2)
                  .fma(xk, a2);
          a3 =
              v3.lanewise(LSHL, 16)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t3)
                  .fma(xk, a3);
          xk = FloatVector.broadcast(F, x[xAt + word * 4 + 2]);
          a0 =
              v0.lanewise(LSHL, 8)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t0)
                  .fma(xk, a0);
          a1 =
              v1.lanewise(LSHL, 8)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t1)
                  .fma(xk, a1);
          a2 =
              v2.lanewise(LSHL, 8)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t2)
                  .fma(xk, a2);
          a3 =
              v3.lanewise(LSHL, 8)
                  .lanewise(ASHR, 4)
                  .and(FIELDS)
                  .reinterpretAsFloats()
                  .mul(t3)
                  .fma(xk, a3);
          xk = FloatVector.broadcast(F, x[xAt + word * 4 + 3]);
          a0 = v0.lanewise(ASHR, 4).and(FIELDS).reinterpretAsFloats().mul(t0).fma(xk, a0);
          a1 = v1.lanewise(ASHR, 4).and(FIELDS).reinterpretAsFloats().mul(t1).fma(xk, a1);
          a2 = v2.lanewise(ASHR, 4).and(FIELDS).reinterpretAsFloats().mul(t2).fma(xk, a2);
          a3 = v3.lanewise(ASHR, 4).and(FIELDS).reinterpretAsFloats().mul(t3).fma(xk, a3);
        }
        c0 += words * PANEL;
        c1 += words * PANEL;
        c2 += words * PANEL;
        c3 += words * PANEL;
        xAt += words * 4;
      }
      int to = yOff + p * PANEL;
      a0.intoArray(y, to);
      a1.intoArray(y, to + o1);
      a2.intoArray(y, to + o2);
      a3.intoArray(y, to + o3);
    }
  }
}
