package orrery.quantization;

import java.util.Locale;

/**
 * How a matrix is stored: what its numbers are, and which of them share a scale.
 *
 * <pre>
 *   element [i][j] has the scale of block [i / blockRows][j / blockCols]; blocks at the right and
 *   at the bottom may be cut off (ragged)
 * </pre>
 *
 * @param codes the numbers
 * @param scales how the scale of a block is stored
 * @param blockRows rows of a block; {@link #WHOLE} if a block has all rows
 * @param blockCols columns of a block; {@link #WHOLE} if a block has all columns
 */
public record WeightFormat(Codes codes, Scales scales, int blockRows, int blockCols) {
  /** All rows, or all columns. */
  public static final int WHOLE = Integer.MAX_VALUE;

  /** IEEE binary32. */
  public static final WeightFormat F32 = new WeightFormat(Codes.F32, Scales.NONE, WHOLE, WHOLE);

  /** bfloat16. */
  public static final WeightFormat BF16 = new WeightFormat(Codes.BF16, Scales.NONE, WHOLE, WHOLE);

  /** FP8 with a power of two for 32 weights of a row ("OCP Microscaling Formats", 2023). */
  public static final WeightFormat MXFP8 = new WeightFormat(Codes.E4M3, Scales.E8M0, 1, 32);

  /** FP4 with a power of two for 32 weights of a row ("OCP Microscaling Formats", 2023). */
  public static final WeightFormat MXFP4 = new WeightFormat(Codes.E2M1, Scales.E8M0, 1, 32);

  /** FP4 with an FP8 scale for 16 weights of a row, and one F32 for the tensor (NVIDIA, 2025). */
  public static final WeightFormat NVFP4 = new WeightFormat(Codes.E2M1, Scales.E4M3, 1, 16);

  /**
   * @throws IllegalArgumentException if a block is empty, or if codes lack scales or floats have
   *     them
   */
  public WeightFormat {
    if (blockRows < 1 || blockCols < 1) {
      throw new IllegalArgumentException(
          "block: expected at least 1 row and 1 column, found " + blockRows + " x " + blockCols);
    }
    if ((codes.bits() >= 16) != (scales == Scales.NONE)) {
      throw new IllegalArgumentException(codes + " with " + scales + " scales");
    }
  }

  /** Rows of the grid of scales of a matrix with so many rows. */
  public int scaleRows(int out) {
    return Math.ceilDiv(out, blockRows);
  }

  /** Columns of the grid of scales of a matrix with so many columns. */
  public int scaleCols(int in) {
    return Math.ceilDiv(in, blockCols);
  }

  /** Bytes of the numbers of a matrix, as a checkpoint stores them. */
  public long codeBytes(int out, int in) {
    return Math.ceilDiv((long) in * codes.bits(), 8) * out;
  }

  /** Bytes of the scales of a matrix, as a checkpoint stores them. */
  public long scaleBytes(int out, int in) {
    long grid = (long) scaleRows(out) * scaleCols(in) * scales.bits() / 8;
    return scales == Scales.NONE ? 0 : grid + (scales == Scales.E4M3 ? Float.BYTES : 0);
  }

  /** Bytes of a matrix, as a checkpoint stores it. */
  public long bytes(int out, int in) {
    return codeBytes(out, in) + scaleBytes(out, in);
  }

  /** Bits that a weight of a matrix takes, scales included. */
  public double bitsPerWeight(int out, int in) {
    return 8.0 * bytes(out, in) / ((double) out * in);
  }

  /**
   * A short name for reports: "bf16", "mxfp4", "e4m3 128x128"; "e4m3 1xall" has a scale for each
   * row.
   */
  public String label() {
    if (equals(MXFP8) || equals(MXFP4) || equals(NVFP4)) {
      return equals(MXFP8) ? "mxfp8" : equals(MXFP4) ? "mxfp4" : "nvfp4";
    }
    String name = codes.name().toLowerCase(Locale.ROOT);
    if (scales == Scales.NONE) {
      return name;
    }
    String rows = blockRows == WHOLE ? "all" : Integer.toString(blockRows);
    String cols = blockCols == WHOLE ? "all" : Integer.toString(blockCols);
    return name + " " + rows + "x" + cols;
  }
}
