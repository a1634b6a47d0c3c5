package orrery.quantization;

/** The numbers that stand for weights in a file: floats, or codes of few bits to be scaled. */
public enum Codes {
  /** IEEE binary32. */
  F32(32),
  /** bfloat16. */
  BF16(16),
  /** FP8 with 4 exponent bits, see {@code numerics.Fp8E4M3}. */
  E4M3(8),
  /** FP8 with 5 exponent bits, see {@code numerics.Fp8E5M2}. */
  E5M2(8),
  /** FP4, see {@code numerics.Fp4E2M1}; two codes a byte, the even column in the low half. */
  E2M1(4);

  private final int bits;

  Codes(int bits) {
    this.bits = bits;
  }

  /** Bits of one number. */
  public int bits() {
    return bits;
  }
}
