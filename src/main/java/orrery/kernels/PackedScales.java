package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;

import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * The scales of a packed matrix: one for each output and block of columns, also where outputs share
 * it, so that a vector load brings the scales of a panel. Scales of one byte share an int by four.
 */
final class PackedScales {
  private final Scales kind;
  private final int perWord; // scales of one output in one int
  private final int words; // ints of one output
  final int[] packed; // [panels][words][16]

  PackedScales(CodedMatrix m, int panels) {
    WeightFormat format = m.format();
    int cols = format.scaleCols(m.in());
    kind = format.scales();
    perWord = kind.bits() == 8 ? 4 : 1;
    words = (cols - 1) / perWord + 1;
    if ((long) panels * PANEL > (Integer.MAX_VALUE - 8) / words) {
      throw new IllegalArgumentException(
          "expected scales that fit one Java array, found [" + m.out() + ", " + cols + "]");
    }
    packed = new int[panels * PANEL * words];
    float[] floats = new float[cols]; // [scaleCols]
    byte[] codes = new byte[cols]; // [scaleCols]
    for (int o = 0; o < m.out(); o++) {
      if (perWord == 1) {
        m.scales(o, floats);
      } else {
        m.scaleCodes(o, codes);
      }
      int at = o / PANEL * words * PANEL + o % PANEL;
      for (int block = 0; block < cols; block++) {
        int bits =
            perWord == 1
                ? Float.floatToRawIntBits(floats[block])
                : (codes[block] & 0xFF) << 8 * (block % 4);
        packed[at + block / perWord * PANEL] |= bits;
      }
    }
  }

  /** The scale of output {@code o} in a block of columns. */
  float get(int o, int block) {
    int word = packed[(o / PANEL * words + block / perWord) * PANEL + o % PANEL];
    return switch (kind) {
      case NONE -> 1;
      case F32, BF16 -> Float.intBitsToFloat(word);
      case E8M0 -> E8m0.decode(word >>> 8 * (block % 4));
      case E4M3 -> Fp8E4M3.decode(word >>> 8 * (block % 4));
    };
  }

  long bytes() {
    return (long) Integer.BYTES * packed.length;
  }
}
