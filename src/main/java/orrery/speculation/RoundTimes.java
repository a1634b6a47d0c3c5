package orrery.speculation;

import java.util.Arrays;

/**
 * Times of rounds by drafts a sequence: the median of the newest few that were measured, and
 * straight lines in between. A neighbour on the machine that doubles the time of a round now and
 * then does not move a median; of an even number of values the lower middle one counts, as noise
 * only ever adds.
 */
final class RoundTimes {
  private static final int WINDOW = 9;

  private final long[][] newest; // [lengths][WINDOW], rings
  private final int[] measured; // [lengths]
  private final double[] median; // [lengths], nanoseconds
  private final long[] sorted = new long[WINDOW];

  /** For 0 to {@code most} drafts a sequence. */
  RoundTimes(int most) {
    newest = new long[most + 1][WINDOW];
    measured = new int[most + 1];
    median = new double[most + 1];
  }

  void add(int length, long nanos) {
    newest[length][measured[length]++ % WINDOW] = nanos;
    int n = Math.min(measured[length], WINDOW);
    System.arraycopy(newest[length], 0, sorted, 0, n);
    Arrays.sort(sorted, 0, n);
    median[length] = sorted[(n - 1) / 2];
  }

  /**
   * Nanoseconds of a round with so many drafts a sequence: on the line through the measured lengths
   * on both sides of it; above the longest on that of the last two; below the shortest, or if there
   * is no second, as that one. More drafts never count as less time.
   */
  double at(double length) {
    int low = -1; // the line goes through the measured lengths low and high
    int high = -1;
    for (int k = 0; k < median.length && high < length; k++) {
      if (measured[k] > 0) {
        low = high;
        high = k;
      }
    }
    if (high < 0) {
      return 1; // nothing measured: all equally long
    }
    if (low < 0) {
      return median[high];
    }
    double slope = Math.max(0, (median[high] - median[low]) / (high - low));
    return median[low] + slope * (length - low);
  }
}
