package orrery.quantization;

/** How the scale of a block of codes is stored. */
public enum Scales {
  /** There is none: the numbers are the weights. */
  NONE(0),
  /** IEEE binary32. */
  F32(32),
  /** bfloat16. */
  BF16(16),
  /** A power of two, see {@code numerics.E8m0}. */
  E8M0(8),
  /** FP8 (E4M3), and one F32 for the whole tensor. */
  E4M3(8);

  private final int bits;

  Scales(int bits) {
    this.bits = bits;
  }

  /** Bits of one scale. */
  public int bits() {
    return bits;
  }
}
