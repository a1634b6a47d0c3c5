package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.B2I;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import orrery.numerics.Bf16;
import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;

/**
 * Decodes cached rows with the Panama Vector API: the floats that {@link CachedRows#read} gives.
 *
 * <pre>
 *   bf16   s eeeeeeee mmmmmmm   shifted to the upper half of a float
 *   E4M3   s eeee mmm           shifted to the place of a float's exponent and mantissa
 * </pre>
 *
 * <p>The exponent counts from 7 in an E4M3 code and from 127 in a float. So the shifted code is the
 * number by 2^-120, also where the exponent is 0 and there is no hidden 1: it is a subnormal float
 * then. A factor of 2^120 brings it back. The scale is a factor of its own, because both together
 * may be more than a float can hold. NaN has no code here: it is in the scale ({@link Fp8Rows}).
 */
final class RowLoops {
  private static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(Short.SIZE * LANES));

  /** There is no vector of 4 bytes: for 4 lanes, 8 bytes are loaded and the first 4 are used. */
  static final VectorSpecies<Byte> B =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Byte.SIZE * Math.max(8, LANES)));

  private static final float REBASE = 0x1p120f;
  private static final int SIGN_AND_CODE = 0x87F0_0000; // of a code moved up by 20, sign extended

  private RowLoops() {}

  /**
   * Decodes some rows of a list.
   *
   * @param list [rows] of row numbers
   * @param into receives [to - from][width]
   */
  static void read(CachedRows rows, int[] list, int from, int to, float[] into, int at) {
    int width = rows.width();
    if (rows instanceof Bf16Rows r) {
      for (int i = from; i < to; i++) {
        bf16(r.data(), list[i] * width, width, into, at + (i - from) * width);
      }
    } else if (rows instanceof Fp8Rows r) {
      for (int i = from; i < to; i++) {
        fp8(r, list[i], into, at + (i - from) * width);
      }
    } else {
      for (int i = from; i < to; i++) {
        rows.read(list[i], into, at + (i - from) * width);
      }
    }
  }

  private static void fp8(Fp8Rows rows, int row, float[] into, int at) {
    int coded = rows.coded();
    int block = rows.format().block();
    int blocks = rows.blocks();
    int tail = rows.format().tail();
    for (int b = 0; b < blocks; b++) {
      int n = Math.min(block, coded - b * block);
      float scale = E8m0.decode(rows.scales()[row * blocks + b]);
      e4m3(rows.codes(), row * coded + b * block, n, scale, into, at + b * block);
    }
    bf16(rows.tails(), row * tail, tail, into, at + coded);
  }

  private static void bf16(short[] data, int from, int n, float[] into, int at) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      IntVector bits =
          (IntVector) ShortVector.fromArray(S, data, from + i).convertShape(ZERO_EXTEND_S2I, I, 0);
      bits.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(into, at + i);
    }
    for (; i < n; i++) {
      into[at + i] = Bf16.decode(data[from + i]);
    }
  }

  private static void e4m3(byte[] codes, int from, int n, float scale, float[] into, int at) {
    FloatVector s = FloatVector.broadcast(F, scale);
    int i = 0;
    for (; i + LANES <= n && from + i + B.length() <= codes.length; i += LANES) {
      IntVector code = (IntVector) ByteVector.fromArray(B, codes, from + i).convertShape(B2I, I, 0);
      code.lanewise(LSHL, 20)
          .and(SIGN_AND_CODE)
          .reinterpretAsFloats()
          .mul(REBASE)
          .mul(s)
          .intoArray(into, at + i);
    }
    for (; i < n; i++) {
      into[at + i] = Fp8E4M3.decode(codes[from + i]) * scale;
    }
  }
}
