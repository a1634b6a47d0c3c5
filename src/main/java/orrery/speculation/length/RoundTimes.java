package orrery.speculation.length;

import java.util.Arrays;

/**
 * Times of rounds by number of drafts a sequence. The time of a length is the third smallest of its
 * newest nine times; between measured lengths it follows a straight line. Another process on the
 * machine can make a round twice as slow, but never faster. If 15 % of the rounds are slowed, the
 * median of nine is wrong once in 180 windows, and sooner or later a good length is given up for
 * that. The third smallest is wrong once in 22,000. For the same reason a length counts as no
 * slower than any longer length.
 */
final class RoundTimes {
  private static final int WINDOW = 9;

  private final long[][] newest; // [lengths][WINDOW], rings
  private final int[] measured; // [lengths]
  private final double[] typical; // [lengths], nanoseconds; infinite where nothing was measured
  private final double[] rising; // [lengths], the least typical time of this and longer lengths
  private final long[] sorted = new long[WINDOW];

  /** Times for 0 to {@code most} drafts a sequence. */
  RoundTimes(int most) {
    newest = new long[most + 1][WINDOW];
    measured = new int[most + 1];
    typical = new double[most + 1];
    rising = new double[most + 1];
    Arrays.fill(typical, Double.POSITIVE_INFINITY);
  }

  void add(int length, long nanos) {
    newest[length][measured[length]++ % WINDOW] = nanos;
    int n = Math.min(measured[length], WINDOW);
    System.arraycopy(newest[length], 0, sorted, 0, n);
    Arrays.sort(sorted, 0, n);
    typical[length] = sorted[(n - 1) / 3];
    double least = Double.POSITIVE_INFINITY;
    for (int k = typical.length - 1; k >= 0; k--) {
      least = Math.min(least, typical[k]);
      rising[k] = least;
    }
  }

  /**
   * Nanoseconds of a round with {@code length} drafts a sequence, on the line through the measured
   * lengths on both sides. Above the longest measured length, it is the line through the last two.
   * Below the shortest, or if only one length was measured, it is the time of that length.
   */
  double at(double length) {
    int low = -1; // the line goes through the measured lengths low and high
    int high = -1;
    for (int k = 0; k < typical.length && high < length; k++) {
      if (measured[k] > 0) {
        low = high;
        high = k;
      }
    }
    if (high < 0) {
      return 1; // nothing measured: all equally long
    }
    if (low < 0) {
      return rising[high];
    }
    return rising[low] + (rising[high] - rising[low]) * (length - low) / (high - low);
  }
}
