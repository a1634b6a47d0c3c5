package orrery.numerics;

/**
 * FP4, "E2M1": 16 codes.
 *
 * <pre>
 *   3 2 1 0
 *   s  ee m      code  0   1    2   3    4   5   6   7      8 to 15: the same with a minus,
 *                value 0   0.5  1   1.5  2   3   4   6               -0 among them
 * </pre>
 *
 * There is neither infinity nor NaN. Encoding rounds to nearest, ties to even codes, and values
 * beyond 6 become 6 (they saturate). Technique: "OCP Microscaling Formats (MX) Specification" 1.0,
 * 2023, §5.3.3.
 */
public final class Fp4E2M1 {
  /** The largest value. */
  public static final float MAX = 6f;

  private static final int SIGN = 0x8;
  private static final int MAX_CODE = 0x7;
  private static final int MAX_BITS = 0x40C0_0000; // of the float 6
  private static final int NORMAL_BITS = 127 << 23; // of the float 1

  private Fp4E2M1() {}

  /** The float that {@code code} stands for, exactly; only its 4 low bits count. */
  public static float decode(int code) {
    int sign = (code & SIGN) << 28;
    int exponent = code >>> 1 & 0x3;
    int mantissa = code & 1;
    if (exponent == 0) {
      // The sign is put on as a bit so that -0 survives.
      return Float.intBitsToFloat(Float.floatToRawIntBits(mantissa * 0.5f) | sign);
    }
    return Float.intBitsToFloat(sign | exponent - 1 + 127 << 23 | mantissa << 22);
  }

  /**
   * The code, 0 to 15, of the nearest value, ties to even. Magnitudes beyond {@link #MAX}, infinity
   * among them, become ±MAX.
   *
   * @throws IllegalArgumentException for NaN, which no code stands for
   */
  public static int encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 28 & SIGN;
    int magnitude = bits & 0x7FFF_FFFF;
    if (Float.isNaN(value)) {
      throw new IllegalArgumentException("FP4 has no code for NaN");
    }
    if (magnitude >= MAX_BITS) {
      return sign | MAX_CODE;
    }
    if (magnitude < NORMAL_BITS) {
      // A float of 2^22 has its last mantissa bit at 0.5, so the addition itself rounds to a
      // multiple of 0.5, ties to even.
      float rounded = Float.intBitsToFloat(magnitude) + 0x1p22f;
      return sign | Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(0x1p22f);
    }
    // As in Fp8E4M3, with one mantissa bit and the exponent rebased from 127 to 1.
    int lowestKeptBit = magnitude >>> 22 & 1;
    int rebased = magnitude - (127 - 1 << 23);
    return sign | rebased + 0x1FFFFF + lowestKeptBit >>> 22;
  }
}
