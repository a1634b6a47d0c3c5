package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
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
    float[] scale = scratch.scales(4 * blocks * PANEL); // [4][blocks][16]
    for (int p = panelFrom; p < panelTo; p += 4) {
      for (int i = 0; i < 4 && p + i < panelTo; i++) {
        scales.unpack(p + i, 0, blocks, UNIT, scale, i * blocks * PANEL);
      }
      Loops.row(this, p, Math.min(3, panelTo - 1 - p), scale, blocks, x, xOff, y, yOff);
    }
  }

  /** A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    private Loops() {}

    /** Decodes {@code inputs} of one block; {@code into} receives [inputs][16]. */
    static void decode(int[] codes, int at, int inputs, float[] scale, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        FloatVector s = FloatVector.fromArray(F, scale, sub);
        for (int k = 0; k < inputs; k += 4) {
          IntVector v = IntVector.fromArray(I, codes, at + k / 4 * PANEL + sub);
          int to = offset + k * PANEL + sub;
          IntVector i = v.lanewise(LSHL, 24).lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to);
          i = v.lanewise(LSHL, 16).lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + PANEL);
          i = v.lanewise(LSHL, 8).lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + 2 * PANEL);
          i = v.lanewise(ASHR, 4).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + 3 * PANEL);
        }
      }
    }

    /** One row by four panels from p on; after the last one, it comes again. */
    static void row(
        Fp8E4M3Matrix w,
        int p,
        int last,
        float[] scale,
        int blocks,
        float[] x,
        int xOff,
        float[] y,
        int yOff) {
      int[] codes = w.codes;
      int q1 = Math.min(1, last);
      int q2 = Math.min(2, last);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int w0 = p * w.words * PANEL + sub;
        int w1 = w0 + q1 * w.words * PANEL;
        int w2 = w0 + q2 * w.words * PANEL;
        int w3 = w0 + last * w.words * PANEL;
        int scales = blocks * PANEL;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        for (int b = 0; b < blocks; b++) {
          int at = b * PANEL + sub;
          FloatVector s0 = FloatVector.fromArray(F, scale, at);
          FloatVector s1 = FloatVector.fromArray(F, scale, at + q1 * scales);
          FloatVector s2 = FloatVector.fromArray(F, scale, at + q2 * scales);
          FloatVector s3 = FloatVector.fromArray(F, scale, at + last * scales);
          int end = w.blockEnd(b * w.blockCols);
          for (int k = b * w.blockCols; k < end; k += 4) {
            IntVector v0 = IntVector.fromArray(I, codes, w0 + k / 4 * PANEL);
            IntVector v1 = IntVector.fromArray(I, codes, w1 + k / 4 * PANEL);
            IntVector v2 = IntVector.fromArray(I, codes, w2 + k / 4 * PANEL);
            IntVector v3 = IntVector.fromArray(I, codes, w3 + k / 4 * PANEL);
            for (int j = 0; j < 4; j++) {
              FloatVector xk = FloatVector.broadcast(F, x[xOff + k + j]);
              IntVector i0 = v0.lanewise(LSHL, 24).lanewise(ASHR, 4).and(FIELDS);
              IntVector i1 = v1.lanewise(LSHL, 24).lanewise(ASHR, 4).and(FIELDS);
              IntVector i2 = v2.lanewise(LSHL, 24).lanewise(ASHR, 4).and(FIELDS);
              IntVector i3 = v3.lanewise(LSHL, 24).lanewise(ASHR, 4).and(FIELDS);
              a0 = i0.reinterpretAsFloats().mul(s0).fma(xk, a0);
              a1 = i1.reinterpretAsFloats().mul(s1).fma(xk, a1);
              a2 = i2.reinterpretAsFloats().mul(s2).fma(xk, a2);
              a3 = i3.reinterpretAsFloats().mul(s3).fma(xk, a3);
              v0 = v0.lanewise(LSHR, 8);
              v1 = v1.lanewise(LSHR, 8);
              v2 = v2.lanewise(LSHR, 8);
              v3 = v3.lanewise(LSHR, 8);
            }
          }
        }
        int to = yOff + p * PANEL + sub;
        a0.intoArray(y, to);
        a1.intoArray(y, to + q1 * PANEL);
        a2.intoArray(y, to + q2 * PANEL);
        a3.intoArray(y, to + last * PANEL);
      }
    }
  }
}
