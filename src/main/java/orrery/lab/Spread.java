package orrery.lab;

import java.util.Arrays;
import orrery.sampling.KeyedRandom;

/**
 * Median and quartiles of a sample.
 *
 * @param median half of them are below
 * @param low quartile
 * @param high quartile
 */
record Spread(double median, double low, double high) {
  private static final int RESAMPLES = 10_000;

  static Spread of(double[] sample) {
    double[] sorted = sample.clone();
    Arrays.sort(sorted);
    return new Spread(quantile(sorted, 0.5), quantile(sorted, 0.25), quantile(sorted, 0.75));
  }

  /** The value that a share {@code q} of an ascending sample does not exceed. */
  static double quantile(double[] sorted, double q) {
    if (sorted.length == 0) {
      throw new IllegalArgumentException("a quantile of nothing: the run was too short");
    }
    return sorted[(int) Math.round(q * (sorted.length - 1))];
  }

  /**
   * Upper 95 % bound of the mean, by the bootstrap: the mean of the sample drawn from itself again
   * and again (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979).
   */
  static double upperBound(double[] sample, long seed) {
    double[] means = new double[RESAMPLES];
    for (int r = 0; r < RESAMPLES; r++) {
      for (int i = 0; i < sample.length; i++) {
        double u = KeyedRandom.uniform(seed, r, i, KeyedRandom.SAMPLE);
        means[r] += sample[(int) (u * sample.length)] / sample.length;
      }
    }
    Arrays.sort(means);
    return quantile(means, 0.95);
  }

  /** As a cell of a table; the quartiles only where they differ from the median. */
  String cell() {
    boolean steady = high - low <= 0.005 * Math.abs(median);
    return steady
        ? Sheet.number(median)
        : Sheet.number(median) + " [" + Sheet.number(low) + ", " + Sheet.number(high) + "]";
  }
}
