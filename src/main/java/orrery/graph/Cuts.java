package orrery.graph;

/**
 * How an op is cut that can be cut in two ways. By outputs, each weight is read by one thread. By
 * rows, each thread reads all weights, but it needs no hand-over between this op and others that
 * are cut by rows too.
 *
 * <pre>
 *   y = W · x, 4 rows, 2 threads         by outputs             by rows
 *                                         0 0 │ 1 1             0 0 0 0
 *   who computes                          0 0 │ 1 1             0 0 0 0
 *   which outputs (columns)               0 0 │ 1 1             ───────
 *   of which rows                         0 0 │ 1 1             1 1 1 1
 *                                                               1 1 1 1
 * </pre>
 *
 * <p>The choice is made once, when a program is built for the rows of its bucket. Neither way cuts
 * a sum, so the choice changes no bit.
 */
public final class Cuts {
  /** The time of a product of few rows, for each weight: as much as of {@link #LEAST_ROWS} rows. */
  private static final double NANOS_A_ROW = 0.0088;

  private static final int LEAST_ROWS = 3;

  /**
   * What each thread that reads a weight from the cache takes for it. Measured: 0.03 where weights
   * come from a second-level cache, 0.08 where they come from a third.
   */
  private static final double NANOS_A_READ = 0.04;

  private Cuts() {}

  /**
   * Whether an op should be cut by rows.
   *
   * @param rows the most rows that the op will have
   * @param weights that each thread has to read if it has any row
   */
  public static boolean byRows(int rows, int threads, long weights) {
    if (rows < threads) {
      return false; // some threads would have nothing to do
    }
    double byOutputs = nanos(rows, weights) / threads;
    double byRows = nanos(Math.ceilDiv(rows, threads), weights);
    return byRows - byOutputs <= 2 * Executor.handOverNanos(threads); // before it and behind it
  }

  /** About how long one thread takes for a product of so many rows. */
  private static double nanos(int rows, long weights) {
    return weights * nanosAWeight(rows);
  }

  /** About how long one thread takes for each weight of a product of so many rows. */
  static double nanosAWeight(int rows) {
    return NANOS_A_READ + NANOS_A_ROW * Math.max(rows, LEAST_ROWS);
  }
}
