package orrery.numerics;

/**
 * FP8 with 5 exponent bits, "E5M2": the upper half of a binary16.
 *
 * <pre>
 *   7 6   2 1 0
 *   s eeeee mm      value = (-1)^s · 2^(e-15) · 1.m   (e = 0: m · 2^-16, e = 31: inf/NaN)
 * </pre>
 *
 * It has the range of binary16 and 3 significant bits; the largest finite value is 57344. Decoding
 * is exact; encoding rounds to nearest, ties to even, and values beyond the largest finite one
 * become the largest finite one (they saturate). So no float encodes to an infinity. Technique:
 * "OCP 8-bit Floating Point Specification (OFP8)" 1.0, 2023; Micikevicius et al., "FP8 Formats for
 * Deep Learning", 2022.
 */
public final class Fp8E5M2 {
  /** The largest finite value: 1.75 · 2^15. */
  public static final float MAX = 57344f;

  /** The code of the NaN that encoding gives; its sign bit may be set. */
  public static final int NAN = 0x7F;

  private static final int SIGN = 0x80;
  private static final int MAX_CODE = 0x7B;
  private static final int MAX_BITS = 0x4760_0000; // of the float 57344

  /** The bits of 2^-14, the least value with a hidden 1. */
  private static final int NORMAL_BITS = 127 - 14 << 23;

  private Fp8E5M2() {}

  /** The float that {@code code} stands for, exactly; only its 8 low bits count. */
  public static float decode(int code) {
    return Fp16.decode((short) (code << 8));
  }

  /**
   * The code, 0 to 255, of the nearest finite value, ties to even. Magnitudes beyond {@link #MAX},
   * infinity among them, become ±MAX. A NaN becomes {@link #NAN} with its sign.
   */
  public static int encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 24 & SIGN;
    int magnitude = bits & 0x7FFF_FFFF;
    if (Float.isNaN(value)) {
      return sign | NAN;
    }
    if (magnitude >= MAX_BITS) {
      return sign | MAX_CODE;
    }
    if (magnitude < NORMAL_BITS) {
      // A float of 2^7 has its last mantissa bit at 2^-16, so the addition itself rounds to a
      // multiple of 2^-16, ties to even.
      float rounded = Float.intBitsToFloat(magnitude) + 0x1p7f;
      return sign | Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(0x1p7f);
    }
    // As in Fp8E4M3, with one mantissa bit less and the exponent rebased from 127 to 15.
    int lowestKeptBit = magnitude >>> 21 & 1;
    int rebased = magnitude - (127 - 15 << 23);
    return sign | rebased + 0xFFFFF + lowestKeptBit >>> 21;
  }
}
