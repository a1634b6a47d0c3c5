package orrery.graph;

/**
 * The rows that a fused op multiplies: those of a buffer, as they are or normed on their way.
 *
 * @param x [rows][cols]
 * @param norm [cols] weights of the norm, or null
 * @param eps of the norm
 */
public record InputRows(Buffer x, float[] norm, float eps) {
  /** Rows as they are. */
  public static InputRows of(Buffer x) {
    return new InputRows(x, null, 0);
  }

  /** Floats of scratch for so many rows. */
  public int room(int rows) {
    return norm == null ? 0 : rows * x.stride;
  }

  /** Norms rows [from, from + rows) into scratch, if there is a norm. */
  public void load(Step step, int share, int from, int rows, float[] scratch, int at) {
    for (int r = 0; norm != null && r < rows; r++) {
      step.kernels()
          .rmsNorm(
              x.data,
              x.row(from + r),
              norm,
              0,
              eps,
              x.cols,
              scratch,
              at + r * x.stride,
              step.scratch(share));
    }
  }

  /** The array that holds the rows which {@link #load} has loaded. */
  public float[] data(float[] scratch) {
    return norm == null ? x.data : scratch;
  }

  /** Where in {@link #data} row {@code from} begins. */
  public int at(int from, int scratchAt) {
    return norm == null ? x.row(from) : scratchAt;
  }

  @Override
  public String toString() {
    return norm == null ? x.toString() : "rmsNorm " + x;
  }
}
