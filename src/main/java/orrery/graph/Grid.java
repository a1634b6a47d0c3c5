package orrery.graph;

/**
 * How the shares of a product lie over its rows and its outputs, if each share takes some rows of
 * some outputs. With few outputs and many threads, a cut by outputs alone leaves threads idle:
 *
 * <pre>
 *   y = W · x, 32 rows, 20 panels of outputs, 8 threads
 *
 *   by outputs                           4 groups of outputs, 2 of rows
 *    0 0 │ 1 1 1 │ 2 2 │ 3 3 3 │ …        0 0 0 0 0 │ 1 1 1 1 1 │ …     rows  0 to 15
 *   threads 1, 3, 5 and 7 have           ──────────┼───────────┼──
 *   3 panels, the others wait             4 4 4 4 4 │ 5 5 5 5 5 │ …     rows 16 to 31
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
   * @param panels of outputs
   * @param threads that do shares at once; there may be more shares
   */
  public static int columns(int rows, int panels, int shares, int threads) {
    return columns(rows, panels, 1, shares, threads);
  }

  /**
   * The same, for panels that stay together.
   *
   * @param units of outputs, such as heads
   * @param panels of a unit
   */
  public static int columns(int rows, int units, int panels, int shares, int threads) {
    int best = Math.min(units, shares);
    if (rows == 1) {
      return best;
    }
    double least = Double.MAX_VALUE;
    for (int columns = best; columns > 0; columns--) {
      int used = columns * Math.min(rows, shares / columns);
      int rounds = Math.ceilDiv(used, threads);
      double nanos = rounds * longest(rows, units, panels, columns, shares);
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
  public static double balance(int rows, int panels, int shares) {
    int columns = columns(rows, panels, shares, shares);
    double longest = longest(rows, panels, 1, columns, shares);
    return longest(rows, panels, 1, 1, 1) / shares / longest;
  }

  /** About how long the longest share takes, for each weight of an output. */
  private static double longest(int rows, int units, int panels, int columns, int shares) {
    int ofShare = Math.ceilDiv(rows, shares / columns);
    int wide = Math.ceilDiv(units, columns) * panels;
    int together = together(ofShare);
    return Math.ceilDiv(wide, together) * together * Cuts.nanosAWeight(ofShare);
  }

  /**
   * The panels that the kernels' loops take together, with vectors of 512 bits. What is left over
   * takes as long as that many.
   */
  private static int together(int rows) {
    return rows < 3 ? 1 : rows < 5 ? 3 : 2;
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
