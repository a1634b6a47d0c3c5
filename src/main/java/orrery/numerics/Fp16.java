package orrery.numerics;

/**
 * IEEE 754 binary16, "half precision".
 *
 * <pre>
 *   15 14   10 9          0
 *   s  eeeee   mmmmmmmmmm      value = (-1)^s · 2^(e-15) · 1.m   (e = 0: m · 2^-24, e = 31: inf/NaN)
 * </pre>
 *
 * It has 11 significant bits; the largest finite value is 65504, the smallest subnormal 2^-24.
 * Decoding is exact; encoding rounds to nearest, ties to even. Technique: IEEE 754-2019, §3.4 and
 * §4.3.1.
 */
public final class Fp16 {
  private static final int QUIET_BIT = 0x0200;
  private static final int INFINITY = 0x7C00;

  /** 2^-24: the value of one unit of a subnormal's mantissa. */
  private static final float SUBNORMAL_UNIT = 0x1p-24f;

  private Fp16() {}

  /** The float that {@code code} stands for, exactly. A NaN keeps its sign and payload bits. */
  public static float decode(short code) {
    int sign = (code & 0x8000) << 16;
    int exponent = code >>> 10 & 0x1F;
    int mantissa = code & 0x3FF;
    if (exponent == 0) {
      // m · 2^-24 is exact in float32, and zero comes out right; the sign is put on as a bit so
      // that -0 survives.
      float magnitude = mantissa * SUBNORMAL_UNIT;
      return Float.intBitsToFloat(Float.floatToRawIntBits(magnitude) | sign);
    }
    int wideExponent = exponent == 31 ? 255 : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | wideExponent << 23 | mantissa << 13);
  }

  /**
   * The nearest binary16, ties to even; magnitudes of 65520 and more become infinite. A NaN stays a
   * NaN with its quiet bit set.
   */
  public static short encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7FFF_FFFF;
    if (Float.isNaN(value)) {
      return (short) (sign | INFINITY | QUIET_BIT | magnitude >>> 13 & 0x3FF);
    }
    if (magnitude >= Float.floatToRawIntBits(65520f)) {
      return (short) (sign | INFINITY);
    }
    if (magnitude < Float.floatToRawIntBits(0x1p-14f)) {
      // A subnormal result: adding 1.5 · 2^-1 puts the float's last mantissa bit at 2^-24, so that
      // the addition itself rounds to a multiple of 2^-24, ties to even.
      float magic = 0x1p-1f + 0x1p-2f;
      float rounded = Float.intBitsToFloat(magnitude) + magic;
      return (short)
          (sign | Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(magic) & 0x7FFF);
    }
    // As in Bf16: adding half a unit, less one when the kept part is even, carries exactly when the
    // value rounds up. The same sum rebases the exponent from 127 to 15.
    int lowestKeptBit = magnitude >>> 13 & 1;
    int rebased = magnitude - (127 - 15 << 23);
    return (short) (sign | rebased + 0xFFF + lowestKeptBit >>> 13);
  }
}
