package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;

/** Pearson's chi-square test. It passes 9,999 of 10,000 true hypotheses. */
public final class ChiSquare {

  /** The 0.9999 quantile of the normal distribution. */
  private static final double Z = 3.719;

  private ChiSquare() {}

  /** Fails if {@code counts} do not look like draws from {@code probabilities}. */
  public static void check(String what, long[] counts, double[] probabilities) {
    long draws = 0;
    for (long count : counts) {
      draws += count;
    }
    double sum = 0;
    int cells = 0;
    for (int i = 0; i < counts.length; i++) {
      double expected = draws * probabilities[i];
      if (expected == 0) {
        assertThat(counts[i]).as("%s: draws of impossible cell %d", what, i).isZero();
        continue;
      }
      assertThat(expected).as("%s: enough draws for cell %d", what, i).isGreaterThan(5);
      sum += (counts[i] - expected) * (counts[i] - expected) / expected;
      cells++;
    }
    assertThat(sum).as("%s: chi-square of %d cells", what, cells).isLessThan(limit(cells - 1));
  }

  /** Wilson and Hilferty: the cube root of chi-square over its degrees is nearly normal. */
  static double limit(int degrees) {
    double spread = 2.0 / (9.0 * degrees);
    return degrees * Math.pow(1 - spread + Z * Math.sqrt(spread), 3);
  }
}
