package orrery.numerics;

/**
 * E8M0, also "UE8M0": the exponent byte of a float, used as the scale of a block.
 *
 * <pre>
 *   7      0
 *   eeeeeeee      value = 2^(e-127), from 2^-127 to 2^127     (e = 255: NaN; no sign, no zero)
 * </pre>
 *
 * A code times a power of two is exact. Scales are rounded to a power of two in three ways:
 *
 * <pre>
 *   floor    "OCP Microscaling Formats (MX)" 1.0, 2023, §6.3: the largest weights may saturate
 *   ceil     DeepSeek ({@code scale_fmt: ue8m0}), NVIDIA's exporter for MXFP4: none saturates
 *   nearest  what a cast of a float to E8M0 does in PyTorch and ml_dtypes: 1.5 · 2^k goes up
 * </pre>
 *
 * What no code reaches takes the nearest end: values below 2^-127 the code 0, values above 2^127
 * the code 254. Infinity, NaN and negative values, which are no scales, become {@link #NAN}.
 */
public final class E8m0 {
  /** The largest value. */
  public static final float MAX = 0x1p127f;

  /** The code of NaN. */
  public static final int NAN = 0xFF;

  private static final int MAX_CODE = 0xFE;
  private static final int MANTISSA = 0x007F_FFFF;

  /** The bits of 2^-127, which is a subnormal float. */
  private static final int LEAST_BITS = 0x0040_0000;

  private E8m0() {}

  /** The float that {@code code} stands for, exactly; only its 8 low bits count. */
  public static float decode(int code) {
    int exponent = code & 0xFF;
    if (exponent == NAN) {
      return Float.NaN;
    }
    return Float.intBitsToFloat(exponent == 0 ? LEAST_BITS : exponent << 23);
  }

  /** The code of the largest power of two that is not above {@code value}. */
  public static int floor(float value) {
    // The exponent field is the answer: 0 for all subnormals.
    return isScale(value) ? bits(value) >>> 23 : NAN;
  }

  /** The code of the least power of two that is not below {@code value}. */
  public static int ceil(float value) {
    if (!isScale(value)) {
      return NAN;
    }
    int bits = bits(value);
    if (bits <= LEAST_BITS) {
      return 0;
    }
    // Any mantissa bit carries into the exponent.
    return Math.min(bits + MANTISSA >>> 23, MAX_CODE);
  }

  /** The code of the nearest power of two; the middle of two, 1.5 · 2^k, goes up. */
  public static int nearest(float value) {
    if (!isScale(value)) {
      return NAN;
    }
    int bits = bits(value);
    if (bits < LEAST_BITS * 2) { // a subnormal: 2^-127 or 2^-126
      return bits < LEAST_BITS / 2 * 3 ? 0 : 1;
    }
    // Half of the mantissa's range carries into the exponent.
    return Math.min(bits + (1 << 22) >>> 23, MAX_CODE);
  }

  private static boolean isScale(float value) {
    return value >= 0 && value < Float.POSITIVE_INFINITY; // NaN fails
  }

  private static int bits(float value) {
    return Float.floatToRawIntBits(value + 0f); // + 0 makes -0 a 0
  }
}
