package orrery.checkpoint.quantized;

import java.util.List;
import orrery.quantization.WeightFormat;

/**
 * Where a matrix lies in a tensor of weights.
 *
 * <pre>
 *   [rows][in]            rows first to first + out; the tensor has one grid of scales
 *   [count][rows][in]     a stack of matrices of out rows each, such as the gate and the up of all
 *                         experts; each of these matrices has a grid of its own
 * </pre>
 *
 * @param shape of the tensor of weights, unpacked: the last dimension is {@code in}
 * @param first the first row, counted through the whole tensor
 * @param out rows of the matrix
 * @param in columns
 */
public record Slice(long[] shape, long first, int out, int in) {
  public Slice {
    shape = shape.clone();
  }

  /** A matrix that is a tensor. */
  public static Slice whole(int out, int in) {
    return new Slice(new long[] {out, in}, 0, out, in);
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  private boolean stacked() {
    return shape.length == 3;
  }

  /** The shape of a tensor of which a row has another number of elements. */
  long[] shapeWithColumns(long columns) {
    long[] other = shape();
    other[other.length - 1] = columns;
    return other;
  }

  /** The shapes that the grid of scales may have. */
  List<long[]> scaleShapes(WeightFormat format) {
    long cols = format.scaleCols(in);
    if (stacked()) {
      return List.of(new long[] {shape[0], shape[1] / out * format.scaleRows(out), cols});
    }
    long rows = Math.ceilDiv(shape[0], format.blockRows());
    boolean channels = format.blockRows() == 1 && format.blockCols() == WeightFormat.WHOLE;
    return channels
        ? List.of(new long[] {rows, 1}, new long[] {rows})
        : List.of(new long[] {rows, cols}, new long[] {rows, 1, cols, 1}); // the last: ModelOpt
  }

  /** The row of the grid that the matrix begins in. */
  long firstScaleRow(WeightFormat format) {
    return stacked() ? first / out * format.scaleRows(out) : first / format.blockRows();
  }

  /** Rows of that grid row's block that lie above the matrix. */
  int rowsAbove(WeightFormat format) {
    return stacked() ? 0 : (int) (first % format.blockRows());
  }

  /**
   * The format of the matrix by itself. If it begins inside a block of the tensor, its rows fall
   * into no blocks of that height; then each row has scales of its own.
   */
  WeightFormat own(WeightFormat format) {
    int above = rowsAbove(format);
    if (above == 0) {
      return format;
    }
    boolean inside = (long) above + out <= format.blockRows();
    return new WeightFormat(
        format.codes(), format.scales(), inside ? WeightFormat.WHOLE : 1, format.blockCols());
  }
}
