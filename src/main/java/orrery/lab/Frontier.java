package orrery.lab;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The best that a configuration offers: of its operating points, those to which no other is better
 * in both, interactivity and throughput. Between two of them lies a straight line on logarithmic
 * axes, since both quantities change by factors when the number of clients doubles.
 *
 * <pre>
 *   throughput
 *      ●──●__                 a user who is content with less speed than the leftmost point gives
 *      :     ●__              can have that point: the frontier goes on to the left as it begins
 *      :        ‾●            no user can have more speed than the rightmost point gives
 *            ○   :            ○ is worse than its neighbours in both
 *   ───────────────── interactivity
 * </pre>
 *
 * @param x [points] speed of a user, ascending
 * @param y [points] throughput, descending
 */
record Frontier(double[] x, double[] y) {
  /**
   * The frontier of these points; throughput is the total one.
   *
   * @param speed what a user gets: {@link OperatingPoint#interactivity} or {@link
   *     OperatingPoint#whole}
   */
  static Frontier of(List<OperatingPoint> points, ToDoubleFunction<OperatingPoint> speed) {
    List<OperatingPoint> best = new ArrayList<>();
    List<OperatingPoint> sorted = new ArrayList<>(points);
    sorted.sort(
        Comparator.comparingDouble(speed).thenComparingDouble(OperatingPoint::total).reversed());
    for (OperatingPoint p : sorted) { // the fastest for a user first
      if (best.isEmpty() || p.total() > best.getLast().total()) {
        best.add(p);
      }
    }
    List<OperatingPoint> ascending = best.reversed();
    return new Frontier(
        ascending.stream().mapToDouble(speed).toArray(),
        ascending.stream().mapToDouble(OperatingPoint::total).toArray());
  }

  /** Whether a point is one of its corners. */
  boolean has(double speed, double throughput) {
    return IntStream.range(0, x.length).anyMatch(i -> x[i] == speed && y[i] == throughput);
  }

  /** The most speed that is reached. */
  double fastest() {
    return x[x.length - 1];
  }

  /** Throughput at a speed of at least {@code wanted}; NaN if that is not reached. */
  double at(double wanted) {
    if (wanted <= x[0]) {
      return y[0];
    }
    for (int i = 1; i < x.length; i++) {
      if (wanted <= x[i]) {
        double share = Math.log(wanted / x[i - 1]) / Math.log(x[i] / x[i - 1]);
        return y[i - 1] * Math.pow(y[i] / y[i - 1], share);
      }
    }
    return Double.NaN;
  }

  /** Throughput here over throughput there at equal speed of a user; NaN unless both reach it. */
  double over(Frontier other, double wanted) {
    return at(wanted) / other.at(wanted);
  }
}
