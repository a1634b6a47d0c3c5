package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import orrery.numerics.Fp8E5M2;
import orrery.quantization.CodedMatrix;

/**
 * FP8 weights, E5M2: as {@link Fp8E4M3Matrix}, with the fields three bits below the top.
 *
 * <p>Weights in E5M2 are rare, so a single row has no loop of its own.
 */
final class Fp8E5M2Matrix extends CodePanels {
  private static final int FIELDS = 0x8FE0_0000;

  /** What undoes the power of two: the biases 127 and 15 differ by this. */
  private static final float UNIT = 0x1p112f;

  private final boolean inVectors; // whether vectors may decode

  Fp8E5M2Matrix(CodedMatrix m) {
    super(m);
    inVectors = isAligned() && tensorScale == 1 && scales.largest() * UNIT <= Float.MAX_VALUE;
  }

  @Override
  float value(int code) {
    return Fp8E5M2.decode(code);
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

  /** A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    private Loops() {}

    /** Decodes {@code inputs} of one block; {@code into} receives [inputs][16]. */
    static void decode(int[] codes, int at, int inputs, float[] scale, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        FloatVector s = FloatVector.fromArray(F, scale, sub);
        int from = at + sub;
        int to = offset + sub;
        for (int word = 0; word < inputs / 4; word++) {
          IntVector v = IntVector.fromArray(I, codes, from + word * PANEL);
          IntVector i = v.lanewise(LSHL, 24).lanewise(ASHR, 3).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + word * 4 * PANEL);
          i = v.lanewise(LSHL, 16).lanewise(ASHR, 3).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + (word * 4 + 1) * PANEL);
          i = v.lanewise(LSHL, 8).lanewise(ASHR, 3).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + (word * 4 + 2) * PANEL);
          i = v.lanewise(ASHR, 3).and(FIELDS);
          i.reinterpretAsFloats().mul(s).intoArray(into, to + (word * 4 + 3) * PANEL);
        }
      }
    }
  }
}
