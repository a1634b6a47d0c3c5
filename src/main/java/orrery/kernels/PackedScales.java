package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.IntVector;
import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * The scales of a packed matrix: one for each output and block of columns, also where outputs share
 * it. So a vector load brings the scales of a panel, wherever a block of rows ends. Scales of one
 * byte share an int by four: the next four blocks of one output.
 */
final class PackedScales {
  private final Scales kind;
  private final int perWord; // scales of one output in one int
  private final int words; // ints of one output
  private final int[] packed; // [panels][words][16]
  private float largest; // magnitude of all scales; NaN if one is NaN

  PackedScales(CodedMatrix m, int panels) {
    WeightFormat format = m.format();
    int blocks = format.scaleCols(m.in());
    kind = format.scales();
    perWord = kind.bits() == Byte.SIZE ? 4 : 1;
    words = (blocks - 1) / perWord + 1;
    if ((long) panels * PANEL > (Integer.MAX_VALUE - 8) / words) {
      throw new IllegalArgumentException(
          "expected scales that fit one Java array, found [" + m.out() + ", " + blocks + "]");
    }
    packed = new int[panels * PANEL * words];
    float[] floats = new float[blocks]; // [blocks]
    byte[] codes = new byte[blocks]; // [blocks]
    for (int o = 0; o < m.out(); o++) {
      if (perWord == 1) {
        m.scales(o, floats);
      } else {
        m.scaleCodes(o, codes);
      }
      for (int b = 0; b < blocks; b++) {
        packed[at(o, b)] |=
            perWord == 1 ? Float.floatToRawIntBits(floats[b]) : (codes[b] & 0xFF) << shift(b);
        largest = Math.max(largest, Math.abs(get(o, b)));
      }
    }
  }

  private int at(int o, int block) {
    return (o / PANEL * words + block / perWord) * PANEL + o % PANEL;
  }

  /** Where the byte of a block begins in its int. */
  private static int shift(int block) {
    return block % 4 * Byte.SIZE;
  }

  /** The scale of output {@code o} in a block of columns. */
  float get(int o, int block) {
    int word = packed[at(o, block)];
    return switch (kind) {
      case NONE -> 1;
      case F32, BF16 -> Float.intBitsToFloat(word);
      case E8M0 -> E8m0.decode(word >>> shift(block));
      case E4M3 -> Fp8E4M3.decode(word >>> shift(block));
    };
  }

  float largest() {
    return largest;
  }

  long bytes() {
    return (long) Integer.BYTES * packed.length;
  }

  /**
   * The scales of the blocks [from, to) of a panel, in vectors.
   *
   * @param factor a power of two that every scale is multiplied by
   * @param into receives [to-from][16] floats from {@code offset}
   */
  void unpack(int panel, int from, int to, float factor, float[] into, int offset) {
    for (int b = from; b < to; b++) {
      int at = (panel * words + b / perWord) * PANEL;
      switch (kind) {
        case E8M0 -> Loops.e8m0(packed, at, shift(b), factor, into, offset);
        case E4M3 -> Loops.e4m3(packed, at, shift(b), factor, into, offset);
        case F32, BF16, NONE -> Loops.floats(packed, at, factor, into, offset);
      }
      offset += PANEL;
    }
  }

  /** 16 scales at a time. A class of its own, so that scalar kernels never load vectors. */
  private static final class Loops {
    private static final int LEAST_E8M0 = 0x0040_0000; // the bits of 2^-127, the code 0

    private Loops() {}

    static void floats(int[] packed, int at, float factor, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        IntVector v = IntVector.fromArray(I, packed, at + sub);
        v.reinterpretAsFloats().mul(factor).intoArray(into, offset + sub);
      }
    }

    static void e8m0(int[] packed, int at, int shift, float factor, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        IntVector code = IntVector.fromArray(I, packed, at + sub).lanewise(LSHR, shift).and(0xFF);
        IntVector bits = code.lanewise(LSHL, 23).max(LEAST_E8M0);
        bits.reinterpretAsFloats().mul(factor).intoArray(into, offset + sub);
      }
    }

    static void e4m3(int[] packed, int at, int shift, float factor, float[] into, int offset) {
      for (int sub = 0; sub < PANEL; sub += LANES) {
        IntVector top = IntVector.fromArray(I, packed, at + sub).lanewise(LSHL, 24 - shift);
        IntVector bits = top.lanewise(ASHR, 4).and(Fp8E4M3Matrix.FIELDS);
        bits.reinterpretAsFloats()
            .mul(Fp8E4M3Matrix.UNIT)
            .mul(factor)
            .intoArray(into, offset + sub);
      }
    }
  }
}
