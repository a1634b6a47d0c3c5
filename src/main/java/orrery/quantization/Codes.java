package orrery.quantization;

import orrery.numerics.Bf16;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.numerics.Fp8E5M2;

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

  /** The float that a code stands for, exactly. */
  public float decode(int code) {
    return switch (this) {
      case F32 -> Float.intBitsToFloat(code);
      case BF16 -> Bf16.decode((short) code);
      case E4M3 -> Fp8E4M3.decode(code);
      case E5M2 -> Fp8E5M2.decode(code);
      case E2M1 -> Fp4E2M1.decode(code);
    };
  }

  /** The code of the nearest number, ties to even; what lies beyond the largest, see each class. */
  public int encode(float value) {
    return switch (this) {
      case F32 -> Float.floatToRawIntBits(value);
      case BF16 -> Bf16.encode(value) & 0xFFFF;
      case E4M3 -> Fp8E4M3.encode(value);
      case E5M2 -> Fp8E5M2.encode(value);
      case E2M1 -> Fp4E2M1.encode(value);
    };
  }

  /** The largest finite number. */
  public float max() {
    return switch (this) {
      case F32 -> Float.MAX_VALUE;
      case BF16 -> Bf16.decode((short) 0x7F7F);
      case E4M3 -> Fp8E4M3.MAX;
      case E5M2 -> Fp8E5M2.MAX;
      case E2M1 -> Fp4E2M1.MAX;
    };
  }
}
