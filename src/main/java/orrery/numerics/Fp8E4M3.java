package orrery.numerics;

/**
 * FP8 with 4 exponent bits, "E4M3FN": the 8-bit format of weights, activations and cached rows.
 *
 * <pre>
 *   7 6  3 2 0
 *   s eeee mmm      value = (-1)^s · 2^(e-7) · 1.m   (e = 0: m · 2^-9)
 * </pre>
 *
 * It has 4 significant bits. There is no infinity: the codes 0x7F and 0xFF are NaN, and e = 15 has
 * seven finite values, so that the largest is 448. Decoding is exact; encoding rounds to nearest,
 * ties to even, and values beyond the largest become the largest (they saturate). Technique: "OCP
 * 8-bit Floating Point Specification (OFP8)" 1.0, 2023; Micikevicius et al., "FP8 Formats for Deep
 * Learning", 2022.
 */
public final class Fp8E4M3 {
  /** The largest value: 1.75 · 2^8. */
  public static final float MAX = 448f;

  /** The code of NaN; its sign bit may be set. */
  public static final int NAN = 0x7F;

  private static final int SIGN = 0x80;
  private static final int MAX_CODE = 0x7E;
  private static final int MAX_BITS = 0x43E0_0000; // of the float 448

  /** 2^-6: the least value with a hidden 1, and its bits as a float. */
  private static final int NORMAL_BITS = 127 - 6 << 23;

  /** 2^-9: the value of one unit of a subnormal's mantissa. */
  private static final float SUBNORMAL_UNIT = 0x1p-9f;

  private Fp8E4M3() {}

  /** The float that {@code code} stands for, exactly; only its 8 low bits count. */
  public static float decode(int code) {
    int sign = (code & SIGN) << 24;
    int exponent = code >>> 3 & 0xF;
    int mantissa = code & 0x7;
    if ((code & NAN) == NAN) {
      return Float.NaN;
    }
    if (exponent == 0) {
      // The sign is put on as a bit so that -0 survives.
      return Float.intBitsToFloat(Float.floatToRawIntBits(mantissa * SUBNORMAL_UNIT) | sign);
    }
    return Float.intBitsToFloat(sign | exponent - 7 + 127 << 23 | mantissa << 20);
  }

  /**
   * The code, 0 to 255, of the nearest value, ties to even. Magnitudes beyond {@link #MAX},
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
      // A float of 2^14 has its last mantissa bit at 2^-9, so the addition itself rounds to a
      // multiple of 2^-9, ties to even.
      float rounded = Float.intBitsToFloat(magnitude) + 0x1p14f;
      return sign | Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(0x1p14f);
    }
    // Adding half a unit, less one when the kept part is even, carries exactly when the value
    // rounds up. The subtraction rebases the exponent from 127 to 7.
    int lowestKeptBit = magnitude >>> 20 & 1;
    int rebased = magnitude - (127 - 7 << 23);
    return sign | rebased + 0x7FFFF + lowestKeptBit >>> 20;
  }
}
