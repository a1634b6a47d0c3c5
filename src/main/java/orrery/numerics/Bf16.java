package orrery.numerics;

/**
 * bfloat16: the upper half of a binary32.
 *
 * <pre>
 *   15 14      7 6       0
 *   s  eeeeeeee  mmmmmmm      value = (-1)^s · 2^(e-127) · 1.m   (e = 0: subnormal, e = 255: inf/NaN)
 * </pre>
 *
 * It has the range of float32 and 8 significant bits. Decoding is a shift and exact; encoding
 * rounds to nearest, ties to even. Technique: Wang and Kanwar, "BFloat16: The secret to high
 * performance on Cloud TPUs" (2019); the carry trick below is the usual software form.
 */
public final class Bf16 {
  private static final int QUIET_BIT = 0x0040;

  private Bf16() {}

  /** The float that {@code code} stands for, exactly. A NaN keeps its sign and payload bits. */
  public static float decode(short code) {
    return Float.intBitsToFloat(code << 16);
  }

  /**
   * The nearest bfloat16, ties to even; values beyond the largest finite one become infinite. A NaN
   * stays a NaN: its quiet bit is set, because cutting off a payload could otherwise leave an
   * infinity.
   */
  public static short encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | QUIET_BIT);
    }
    // Adding half a unit (less one when the kept part is even) carries into the kept bits exactly
    // when the dropped half rounds up. A carry out of the mantissa raises the exponent by one,
    // which is the right result.
    int lowestKeptBit = bits >>> 16 & 1;
    return (short) (bits + 0x7FFF + lowestKeptBit >>> 16);
  }
}
