package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import orrery.numerics.Fp4E2M1;
import orrery.quantization.CodedMatrix;

/**
 * FP4 weights, E2M1. An int holds eight consecutive k of one output.
 *
 * <p>A vector decodes a code in one of three ways, by the width of the machine:
 *
 * <pre>
 *   512 bits   the low 4 bits of a lane pick one of 16 floats, which fill a vector
 *   256 bits   the low 3 bits pick one of 8 magnitudes; the sign is moved to its place
 *   128 bits   the fields are moved to where a float has them: c · 2^-126, then times 2^126
 * </pre>
 *
 * The third way makes 0.5 a subnormal float: exact, but slow on many cores.
 */
final class Fp4Matrix extends CodePanels {
  Fp4Matrix(CodedMatrix m) {
    super(m);
  }

  @Override
  float value(int code) {
    return Fp4E2M1.decode(code);
  }

  @Override
  void decodeInVectors(int panel, int from, int to, float[] into, int offset, Scratch scratch) {
    if (!isAligned()) {
      decode(panel, from, to, into, offset);
      return;
    }
    float[] scale = scratch.scales(PANEL); // [16]
    for (int k = from; k < to; ) {
      int end = Math.min(to, blockEnd(k));
      scales.unpack(panel, k / blockCols, k / blockCols + 1, 1, scale, 0);
      int at = (panel * words + k / perWord) * PANEL;
      Loops.decode(codes, at, end - k, scale, tensorScale, into, offset + (k - from) * PANEL);
      k = end;
    }
  }

  @Override
  void productOfOneRow(
      float[] x, int xOff, float[] y, int yOff, int panelFrom, int panelTo, Scratch scratch) {
    if (!isAligned()) {
      super.productOfOneRow(x, xOff, y, yOff, panelFrom, panelTo, scratch);
      return;
    }
    int blocks = (in - 1) / blockCols + 1;
    float[] scale = scratch.scales(4 * blocks * PANEL); // [4][blocks][16]
    for (int p = panelFrom; p < panelTo; p += 4) {
      for (int i = 0; i < 4 && p + i < panelTo; i++) {
        scales.unpack(p + i, 0, blocks, 1, scale, i * blocks * PANEL);
      }
      Loops.row(this, p, Math.min(3, panelTo - 1 - p), scale, blocks, x, xOff, y, yOff);
    }
  }

  /** A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    private static final int SIGN = 0x8000_0000;
    private static final int FIELDS = 0x81C0_0000; // of a code, six bits below the top
    private static final float UNIT = 0x1p126f; // the biases 127 and 1 differ by this
    private static final int[] VALUES = values(); // [16] float bits; the first 8 have no sign

    private Loops() {}

    private static int[] values() {
      int[] bits = new int[16];
      for (int code = 0; code < bits.length; code++) {
        bits[code] = Float.floatToRawIntBits(Fp4E2M1.decode(code));
      }
      return bits;
    }

    /** Decodes {@code inputs} of one block; {@code into} receives [inputs][16]. */
    static void decode(
        int[] codes, int at, int inputs, float[] scale, float t, float[] into, int offset) {
      IntVector table = IntVector.fromArray(I, VALUES, 0);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        FloatVector s = FloatVector.fromArray(F, scale, sub);
        for (int k = 0; k < inputs; k += 8) {
          IntVector v = IntVector.fromArray(I, codes, at + k / 8 * PANEL + sub);
          for (int j = 0; j < 8; j++) {
            IntVector i =
                switch (LANES) {
                  case 16 -> v.selectFrom(table);
                  case 8 -> v.selectFrom(table).or(v.lanewise(LSHL, 28).and(SIGN));
                  default -> v.lanewise(LSHL, 28).lanewise(ASHR, 6).and(FIELDS);
                };
            FloatVector c = i.reinterpretAsFloats();
            if (LANES < 8) {
              c = c.mul(UNIT);
            }
            c.mul(s).mul(t).intoArray(into, offset + (k + j) * PANEL + sub);
            v = v.lanewise(LSHR, 4);
          }
        }
      }
    }

    /** One row by four panels from p on; after the last one, it comes again. */
    static void row(
        Fp4Matrix w,
        int p,
        int last,
        float[] scale,
        int blocks,
        float[] x,
        int xOff,
        float[] y,
        int yOff) {
      int[] codes = w.codes;
      IntVector table = IntVector.fromArray(I, VALUES, 0);
      FloatVector t = FloatVector.broadcast(F, w.tensorScale);
      boolean scaled = w.tensorScale != 1;
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
          for (int k = b * w.blockCols; k < end; k += 8) {
            IntVector v0 = IntVector.fromArray(I, codes, w0 + k / 8 * PANEL);
            IntVector v1 = IntVector.fromArray(I, codes, w1 + k / 8 * PANEL);
            IntVector v2 = IntVector.fromArray(I, codes, w2 + k / 8 * PANEL);
            IntVector v3 = IntVector.fromArray(I, codes, w3 + k / 8 * PANEL);
            for (int j = 0; j < 8; j++) {
              FloatVector xk = FloatVector.broadcast(F, x[xOff + k + j]);
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
              IntVector i2 =
                  switch (LANES) {
                    case 16 -> v2.selectFrom(table);
                    case 8 -> v2.selectFrom(table).or(v2.lanewise(LSHL, 28).and(SIGN));
                    default -> v2.lanewise(LSHL, 28).lanewise(ASHR, 6).and(FIELDS);
                  };
              IntVector i3 =
                  switch (LANES) {
                    case 16 -> v3.selectFrom(table);
                    case 8 -> v3.selectFrom(table).or(v3.lanewise(LSHL, 28).and(SIGN));
                    default -> v3.lanewise(LSHL, 28).lanewise(ASHR, 6).and(FIELDS);
                  };
              FloatVector c0 = i0.reinterpretAsFloats();
              FloatVector c1 = i1.reinterpretAsFloats();
              FloatVector c2 = i2.reinterpretAsFloats();
              FloatVector c3 = i3.reinterpretAsFloats();
              if (LANES < 8) {
                c0 = c0.mul(UNIT);
                c1 = c1.mul(UNIT);
                c2 = c2.mul(UNIT);
                c3 = c3.mul(UNIT);
              }
              c0 = c0.mul(s0);
              c1 = c1.mul(s1);
              c2 = c2.mul(s2);
              c3 = c3.mul(s3);
              if (scaled) {
                c0 = c0.mul(t);
                c1 = c1.mul(t);
                c2 = c2.mul(t);
                c3 = c3.mul(t);
              }
              a0 = c0.fma(xk, a0);
              a1 = c1.fma(xk, a1);
              a2 = c2.fma(xk, a2);
              a3 = c3.fma(xk, a3);
              v0 = v0.lanewise(LSHR, 4);
              v1 = v1.lanewise(LSHR, 4);
              v2 = v2.lanewise(LSHR, 4);
              v3 = v3.lanewise(LSHR, 4);
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
