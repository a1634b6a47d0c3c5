package orrery.quantization;

import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;

/**
 * A coded matrix in arrays.
 *
 * @param codes [out][in] one code a byte
 * @param grid [scaleRows][scaleCols] scales as floats, without the tensor scale
 */
public record ArrayMatrix(
    WeightFormat format,
    int out,
    int in,
    byte[] codes,
    float[] grid,
    float tensorScale,
    ActivationRounding input)
    implements CodedMatrix {
  /**
   * @throws IllegalArgumentException if an array has another length than the format says
   */
  public ArrayMatrix {
    if (codes.length != out * in || grid.length != format.scaleRows(out) * format.scaleCols(in)) {
      throw new IllegalArgumentException(
          "matrix ["
              + out
              + "]["
              + in
              + "] with "
              + codes.length
              + " codes and "
              + grid.length
              + " scales in "
              + format);
    }
  }

  @Override
  public void codes(int row, byte[] into) {
    System.arraycopy(codes, row * in, into, 0, in);
  }

  @Override
  public void scales(int row, float[] into) {
    int cols = format.scaleCols(in);
    System.arraycopy(grid, row / format.blockRows() * cols, into, 0, cols);
  }

  @Override
  public void scaleCodes(int row, byte[] into) {
    int cols = format.scaleCols(in);
    for (int j = 0; j < cols; j++) {
      float scale = grid[row / format.blockRows() * cols + j];
      into[j] = (byte) (format.scales() == Scales.E8M0 ? E8m0.floor(scale) : Fp8E4M3.encode(scale));
    }
  }
}
