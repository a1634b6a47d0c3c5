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
  static final int SIGN = 0x8000_0000;
  static final int FIELDS = 0x81C0_0000; // of a code, six bits below the top
  static final float UNIT = 0x1p126f; // the biases 127 and 1 differ by this
  static final int[] VALUES = values(); // [16] float bits; the first 8 have no sign

  private static int[] values() {
    int[] bits = new int[16];
    for (int code = 0; code < bits.length; code++) {
      bits[code] = Float.floatToRawIntBits(Fp4E2M1.decode(code));
    }
    return bits;
  }

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
    float[] scale = scratch.scales(Loops.ROW_PANELS * blocks * PANEL); // [panels][blocks][16]
    for (int p = panelFrom; p < panelTo; p += Loops.ROW_PANELS) {
      int panels = Math.min(Loops.ROW_PANELS, panelTo - p);
      for (int i = 0; i < panels; i++) {
        scales.unpack(p + i, 0, blocks, 1, scale, i * blocks * PANEL);
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
    if (!(isAligned() && Fp4Loops.pays(rows))) {
      super.productOfRows(x, xOff, xStride, rows, y, yOff, yStride, panelFrom, panelTo, scratch);
      return;
    }
    int blocks = (in - 1) / blockCols + 1;
    float[] scale = scratch.scales(2 * blocks * PANEL); // [2][blocks][16]
    for (int p = panelFrom; p < panelTo; p += 2) {
      int panels = Math.min(2, panelTo - p);
      for (int i = 0; i < panels; i++) {
        scales.unpack(p + i, 0, blocks, 1, scale, i * blocks * PANEL);
      }
      for (int row = 0; row < rows; row += 4) {
        int xRow = xOff + row * xStride;
        int yRow = yOff + row * yStride;
        int n = Math.min(4, rows - row);
        Fp4Loops.rows4(this, p, panels, scale, blocks, x, xRow, xStride, n, y, yRow, yStride);
      }
    }
  }

  /** A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    static final int ROW_PANELS = RowVectors.panels(4);

    private Loops() {}

    /** Decodes {@code inputs} of one block; {@code into} receives [inputs][16]. */
    static void decode(
        int[] codes, int at, int inputs, float[] scale, float t, float[] into, int offset) {
      IntVector table = IntVector.fromArray(I, VALUES, 0);
      for (int sub = 0; sub < PANEL; sub += LANES) {
        FloatVector s = FloatVector.fromArray(F, scale, sub);
        int from = at + sub;
        int to = offset + sub;
        for (int word = 0; word < inputs / 8; word++) {
          IntVector v = IntVector.fromArray(I, codes, from + word * PANEL);
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
            c.mul(s).mul(t).intoArray(into, to + (word * 8 + j) * PANEL);
            v = v.lanewise(LSHR, 4);
          }
        }
      }
    }

    /** One row by four vectors of outputs from panel p on; after the last one, it comes again. */
    static void row(
        Fp4Matrix w,
        int p,
        int panels,
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
      int xAt = xOff;
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      for (int b = 0; b < blocks; b++) {
        FloatVector t0 = FloatVector.fromArray(F, scale, b * PANEL);
        FloatVector t1 = FloatVector.fromArray(F, scale, s1 + b * PANEL);
        FloatVector t2 = FloatVector.fromArray(F, scale, s2 + b * PANEL);
        FloatVector t3 = FloatVector.fromArray(F, scale, s3 + b * PANEL);
        int words = Math.min(w.blockCols, w.in - b * w.blockCols) / 8;
        for (int word = 0; word < words; word++) {
          IntVector v0 = IntVector.fromArray(I, codes, c0 + word * PANEL);
          IntVector v1 = IntVector.fromArray(I, codes, c1 + word * PANEL);
          IntVector v2 = IntVector.fromArray(I, codes, c2 + word * PANEL);
          IntVector v3 = IntVector.fromArray(I, codes, c3 + word * PANEL);
          for (int j = 0; j < 8; j++) {
            FloatVector xk = FloatVector.broadcast(F, x[xAt + word * 8 + j]);
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
            FloatVector f0 = i0.reinterpretAsFloats();
            FloatVector f1 = i1.reinterpretAsFloats();
            FloatVector f2 = i2.reinterpretAsFloats();
            FloatVector f3 = i3.reinterpretAsFloats();
            if (LANES < 8) {
              f0 = f0.mul(UNIT);
              f1 = f1.mul(UNIT);
              f2 = f2.mul(UNIT);
              f3 = f3.mul(UNIT);
            }
            f0 = f0.mul(t0);
            f1 = f1.mul(t1);
            f2 = f2.mul(t2);
            f3 = f3.mul(t3);
            if (scaled) {
              f0 = f0.mul(t);
              f1 = f1.mul(t);
              f2 = f2.mul(t);
              f3 = f3.mul(t);
            }
            a0 = f0.fma(xk, a0);
            a1 = f1.fma(xk, a1);
            a2 = f2.fma(xk, a2);
            a3 = f3.fma(xk, a3);
            v0 = v0.lanewise(LSHR, 4);
            v1 = v1.lanewise(LSHR, 4);
            v2 = v2.lanewise(LSHR, 4);
            v3 = v3.lanewise(LSHR, 4);
          }
        }
        c0 += words * PANEL;
        c1 += words * PANEL;
        c2 += words * PANEL;
        c3 += words * PANEL;
        xAt += words * 8;
      }
      int to = yOff + p * PANEL;
      a0.intoArray(y, to);
      a1.intoArray(y, to + o1);
      a2.intoArray(y, to + o2);
      a3.intoArray(y, to + o3);
    }
  }
}
