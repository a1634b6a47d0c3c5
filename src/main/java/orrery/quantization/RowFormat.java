package orrery.quantization;

/**
 * How a cached row of {@code width} floats is stored.
 *
 * <pre>
 *   F32    4 bytes a float
 *   BF16   2 bytes a float, rounded to nearest even
 *   FP8    the first width - tail columns in E4M3 codes, with one E8M0 scale for each block of them
 *          (the last block may be cut off), the last {@code tail} columns as bf16
 * </pre>
 *
 * <p>The scale of an FP8 block is 2^⌈log2(max(1e-4, amax) / 448)⌉, so it depends on this row alone.
 *
 * @param codes F32, BF16 or E4M3
 * @param block columns that share a scale; 0 without scales
 * @param tail columns at the end that stay bf16 in an FP8 row, such as those that RoPE rotates
 */
public record RowFormat(Codes codes, int block, int tail) {
  /** IEEE binary32. */
  public static final RowFormat F32 = new RowFormat(Codes.F32, 0, 0);

  /** bfloat16. */
  public static final RowFormat BF16 = new RowFormat(Codes.BF16, 0, 0);

  /** FP8 with a scale for each {@code block} columns, and {@code tail} columns of bf16. */
  public static RowFormat fp8(int block, int tail) {
    return new RowFormat(Codes.E4M3, block, tail);
  }

  /**
   * @throws IllegalArgumentException if a row cannot be stored so
   */
  public RowFormat {
    boolean scaled = codes == Codes.E4M3;
    if (codes != Codes.F32 && codes != Codes.BF16 && !scaled
        || scaled != (block > 0)
        || tail < 0
        || tail > 0 && !scaled) {
      throw new IllegalArgumentException(
          "cached rows of " + codes + ", block " + block + ", tail " + tail);
    }
  }

  /** Bytes of a row: codes, scales and tail. */
  public int bytes(int width) {
    return codes != Codes.E4M3
        ? width * codes.bits() / 8
        : width - tail + Math.ceilDiv(width - tail, block) + 2 * tail;
  }
}
