package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import orrery.quantization.WeightFormat;

/**
 * bf16 weights: an int holds two consecutive k of one output, the even k in the low half. So an
 * even k is decoded by a shift and an odd k by a mask.
 */
final class Bf16Matrix extends PackedMatrix {
  private static final int HIGH_HALF = 0xFFFF0000;

  final int[] pairs; // [panels][ceil(in/2)][16]

  /**
   * @throws IllegalArgumentException if a weight is not exactly a bf16 value
   */
  Bf16Matrix(int out, int in, RowSource source) {
    super(WeightFormat.BF16, out, in);
    pairs = new int[panels * PANEL * words];
    float[] row = new float[in]; // [in]
    for (int o = 0; o < out; o++) {
      source.row(o, row);
      for (int k = 0; k < in; k++) {
        int bits = Float.floatToRawIntBits(row[k]);
        if ((bits & ~HIGH_HALF) != 0) {
          throw new IllegalArgumentException(
              "weight [" + o + "][" + k + "] = " + row[k] + " is no bf16 value");
        }
        pairs[at(o, k)] |= k % 2 == 0 ? bits >>> 16 : bits;
      }
    }
  }

  @Override
  public long bytes() {
    return (long) Integer.BYTES * pairs.length;
  }

  @Override
  public float get(int o, int k) {
    int pair = pairs[at(o, k)];
    return Float.intBitsToFloat(k % 2 == 0 ? pair << 16 : pair & HIGH_HALF);
  }

  @Override
  void decode(int panel, int from, int to, float[] into, int offset) {
    for (int k = from; k < to; k++) {
      int at = (panel * words + k / 2) * PANEL;
      int shift = k % 2 == 0 ? 16 : 0; // the even k sits in the low half of its pair
      for (int lane = 0; lane < PANEL; lane++) {
        into[offset++] = Float.intBitsToFloat(pairs[at + lane] << shift & HIGH_HALF);
      }
    }
  }

  @Override
  void decodeInVectors(int panel, int from, int to, float[] into, int offset, Scratch scratch) {
    Loops.decode(pairs, panel * words * PANEL, from, to, into, offset);
  }

  @Override
  void productOfOneRow(
      float[] x, int xOff, float[] y, int yOff, int panelFrom, int panelTo, Scratch scratch) {
    Loops.row(pairs, in, x, xOff, y, yOff, panelFrom, panelTo);
  }

  /** A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    private Loops() {}

    static void decode(int[] pairs, int at, int from, int to, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        int k = from;
        for (; k + 1 < to; k += 2) {
          IntVector v = IntVector.fromArray(I, pairs, at + k / 2 * PANEL + sub);
          int even = offset + (k - from) * PANEL + sub;
          v.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(into, even);
          v.and(HIGH_HALF).reinterpretAsFloats().intoArray(into, even + PANEL);
        }
        if (k < to) {
          IntVector v = IntVector.fromArray(I, pairs, at + k / 2 * PANEL + sub);
          int even = offset + (k - from) * PANEL + sub;
          v.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(into, even);
        }
      }
    }

    /** One row, eight panels at a time; the last group repeats its last panel. */
    static void row(
        int[] w, int in, float[] x, int xOff, float[] y, int yOff, int panelFrom, int panelTo) {
      int panelSize = (in + 1) / 2 * PANEL;
      int lastPanel = panelTo - 1;
      for (int p = panelFrom; p < panelTo; p += 8) {
        int p0 = p;
        int p1 = Math.min(p + 1, lastPanel);
        int p2 = Math.min(p + 2, lastPanel);
        int p3 = Math.min(p + 3, lastPanel);
        int p4 = Math.min(p + 4, lastPanel);
        int p5 = Math.min(p + 5, lastPanel);
        int p6 = Math.min(p + 6, lastPanel);
        int p7 = Math.min(p + 7, lastPanel);
        for (int sub = 0; sub < PANEL; sub += LANES) {
          int w0 = p0 * panelSize + sub;
          int w1 = p1 * panelSize + sub;
          int w2 = p2 * panelSize + sub;
          int w3 = p3 * panelSize + sub;
          int w4 = p4 * panelSize + sub;
          int w5 = p5 * panelSize + sub;
          int w6 = p6 * panelSize + sub;
          int w7 = p7 * panelSize + sub;
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
          a0.intoArray(y, yOff + p0 * PANEL + sub);
          a1.intoArray(y, yOff + p1 * PANEL + sub);
          a2.intoArray(y, yOff + p2 * PANEL + sub);
          a3.intoArray(y, yOff + p3 * PANEL + sub);
          a4.intoArray(y, yOff + p4 * PANEL + sub);
          a5.intoArray(y, yOff + p5 * PANEL + sub);
          a6.intoArray(y, yOff + p6 * PANEL + sub);
          a7.intoArray(y, yOff + p7 * PANEL + sub);
        }
      }
    }
  }
}
