package orrery.graph;

/**
 * Preallocated memory for activations, [rows][cols], row-major with rows padded to whole vectors.
 *
 * <p>Its memory is bound when a step is captured. An op that runs asks the {@link Step} how many of
 * the rows are in use.
 */
public final class Buffer implements Operand {
  private final String name;
  private final RowCount rows;
  public final int cols;

  /**
   * Floats from one row to the next: cols, rounded up to 16. The columns from cols on are padding.
   */
  public final int stride;

  public final float[] data; // [maxRows][stride]

  /**
   * A buffer of up to {@code maxRows} rows of {@code cols} floats; {@code rows} says how many are
   * in use.
   */
  public Buffer(String name, RowCount rows, int maxRows, int cols) {
    this.name = name;
    this.rows = rows;
    this.cols = cols;
    this.stride = stride(cols);
    this.data = new float[Math.multiplyExact(maxRows, stride)];
  }

  /** Another buffer of this shape, with a longer name. */
  public Buffer like(String suffix) {
    return new Buffer(name + suffix, rows, data.length / stride, cols);
  }

  private static int stride(int cols) {
    return (cols + 15) / 16 * 16;
  }

  /** Bytes of one row of so many columns. */
  public static long bytes(int cols) {
    return 4L * stride(cols);
  }

  /** What says how many rows are in use. Two buffers of the same one are cut at the same rows. */
  public RowCount rowCount() {
    return rows;
  }

  /** Rows in use. */
  public int rows(Step step) {
    return rows.of(step);
  }

  /** Rows that it has room for. */
  public int maxRows() {
    return data.length / stride;
  }

  /** Index of the first element of a row. */
  public int row(int row) {
    return row * stride;
  }

  /** Whether a row has NaN in any column. */
  public boolean hasNaN(int row) {
    int from = row(row);
    for (int i = from; i < from + cols; i++) {
      if (Float.isNaN(data[i])) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return name + "[" + cols + "]";
  }
}
