package orrery.lab;

import java.util.Arrays;
import orrery.sampling.KeyedRandom;

/**
 * Median and quartiles of a sample.
 *
 * @param median of the sample
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

  /** The quantile {@code q} of an ascending sample, interpolated between two values if need be. */
  static double quantile(double[] sorted, double q) {
    if (sorted.length == 0) {
      throw new IllegalArgumentException("a quantile of nothing: the run was too short");
    }
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  /**
   * Upper 95 % bound of the median, by the bootstrap: samples are drawn from the sample again and
   * again, and the median of each is taken (Efron, "Bootstrap Methods: Another Look at the
   * Jackknife", 1979). It bounds the median, not the mean, since one run that the machine
   * interrupted says nothing about the code.
   */
  static double upperBound(double[] sample, long seed) {
    double[] medians = new double[RESAMPLES];
    double[] drawn = new double[sample.length];
    for (int r = 0; r < RESAMPLES; r++) {
      for (int i = 0; i < drawn.length; i++) {
        double u = KeyedRandom.uniform(seed, r, i, KeyedRandom.SAMPLE);
        drawn[i] = sample[(int) (u * sample.length)];
      }
      Arrays.sort(drawn);
      medians[r] = quantile(drawn, 0.5);
    }
    Arrays.sort(medians);
    return quantile(medians, 0.95);
  }

  /** As a cell of a table; the quartiles only where they differ from the median. */
  String cell() {
    boolean steady = high - low <= 0.005 * Math.abs(median);
    return steady
        ? Sheet.number(median)
        : Sheet.number(median) + " [" + Sheet.number(low) + ", " + Sheet.number(high) + "]";
  }
}
