package orrery.graph;

/**
 * How the shares of a product lie over its rows and its outputs, if each share takes some rows of
 * some outputs. With few outputs and many threads, a cut by outputs alone leaves threads idle:
 *
 * <pre>
 *   y = W · x, 32 rows, 12 panels of outputs, 8 threads
 *
 *   by outputs                       4 groups of outputs, 2 of rows
 *    0 │ 1 1 │ 2 │ 3 3 │ 4 │ …        0 0 0 │ 1 1 1 │ 2 2 2 │ 3 3 3     rows  0 to 15
 *   threads 1, 3, 5 and 7 have        ──────┼───────┼───────┼──────
 *   2 panels, the others wait         4 4 4 │ 5 5 5 │ 6 6 6 │ 7 7 7     rows 16 to 31
 * </pre>
 *
 * <p>Each group of rows reads all weights, so there are as few of them as balance allows. No sum is
 * cut, so the choice changes no bit.
 */
public final class Grid {
  private Grid() {}

  /**
   * In how many groups of outputs a product should be cut for {@code shares} shares; there are
   * {@code shares / groups} groups of rows then, rounded down.
   *
   * @param rows of the step, at least 1
   * @param units of outputs that stay together, such as panels
   */
  public static int columns(int rows, int units, int shares) {
    int best = Math.min(units, shares);
    double least = Double.MAX_VALUE;
    for (int columns = best; columns > 0; columns--) {
      int groups = shares / columns;
      double nanos = Math.ceilDiv(units, columns) * Cuts.nanosAWeight(Math.ceilDiv(rows, groups));
      if (nanos < least) {
        least = nanos;
        best = columns;
      }
    }
    return best;
  }

  /**
   * What part of the time of a product's shares is work, and not waiting for the longest share or
   * reading weights once more.
   */
  public static double balance(int rows, int units, int shares) {
    int columns = columns(rows, units, shares);
    int ofShare = Math.ceilDiv(rows, shares / columns);
    double longest = Math.ceilDiv(units, columns) * Cuts.nanosAWeight(ofShare);
    return units * Cuts.nanosAWeight(rows) / shares / longest;
  }

  /** The first of the rows of a share; equal to that of {@code share + columns} if it has none. */
  public static int firstRow(int rows, int share, int columns, int shares) {
    int groups = shares / columns;
    return rows * Math.min(groups, share / columns) / groups;
  }

  /** One more than the last of the rows of a share. */
  public static int lastRow(int rows, int share, int columns, int shares) {
    return firstRow(rows, share + columns, columns, shares);
  }

  /** The first of the units of a share. */
  public static int first(int units, int share, int columns) {
    return units * (share % columns) / columns;
  }

  /** One more than the last of the units of a share. */
  public static int last(int units, int share, int columns) {
    return units * (share % columns + 1) / columns;
  }
}
