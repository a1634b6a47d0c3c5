package orrery.graph;

/** Like {@link Buffer}, for integers: [rows][cols], unpadded. */
public final class IntBuffer implements Operand {
  private final String name;
  private final RowCount rows;
  public final int cols;
  public final int[] data; // [maxRows][cols]

  /**
   * A buffer of up to {@code maxRows} rows of {@code cols} integers; {@code rows} says how many are
   * in use.
   */
  public IntBuffer(String name, RowCount rows, int maxRows, int cols) {
    this.name = name;
    this.rows = rows;
    this.cols = cols;
    this.data = new int[Math.multiplyExact(maxRows, cols)];
  }

  /** What says how many rows are in use. */
  public RowCount rowCount() {
    return rows;
  }

  /** Rows in use. */
  public int rows(Step step) {
    return rows.of(step);
  }

  @Override
  public String toString() {
    return name + "[" + cols + "]";
  }
}
