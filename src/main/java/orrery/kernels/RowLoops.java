package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
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
 *   E4M3   s eeee mmm           shifted to the place of a float's exponent and mantissa; the
 *                               exponent counts from 7 in a code, from 127 in a float
 * </pre>
 *
 * <p>A code whose exponent is 0 has no hidden 1. It gets one, which is then subtracted, so that no
 * subnormal float comes up: some processors take a hundred cycles for one.
 */
final class RowLoops {
  private static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(Short.SIZE * LANES));

  /** There is no vector of 4 bytes: for 4 lanes, 8 bytes are loaded and the first 4 are used. */
  private static final VectorSpecies<Byte> B =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Byte.SIZE * Math.max(8, LANES)));

  private static final int REBASED = 127 - 7 << 23;
  private static final int HIDDEN = 1 << 23;
  private static final float LEAST_NORMAL = 0x1p-6f;

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
      IntVector code =
          (IntVector) ByteVector.fromArray(B, codes, from + i).convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector magnitude = code.and(0x7F);
      VectorMask<Integer> subnormal = magnitude.compare(LT, 8);
      IntVector bits = magnitude.lanewise(LSHL, 20).add(REBASED);
      FloatVector value = bits.add(HIDDEN, subnormal).reinterpretAsFloats();
      value = value.sub(LEAST_NORMAL, subnormal.cast(F));
      value = value.blend(Float.NaN, magnitude.compare(EQ, Fp8E4M3.NAN).cast(F));
      IntVector sign = code.and(0x80).lanewise(LSHL, 24); // on a 0 too
      value.reinterpretAsInts().or(sign).reinterpretAsFloats().mul(s).intoArray(into, at + i);
    }
    for (; i < n; i++) {
      into[at + i] = Fp8E4M3.decode(codes[from + i]) * scale;
    }
  }
}
