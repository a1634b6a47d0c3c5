package orrery.lab;

import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import orrery.lab.Chart.Axis;

/**
 * The values along an axis of a chart.
 *
 * @param low shown
 * @param high shown
 * @param whole whether there is nothing between whole numbers
 */
record ChartScale(Axis axis, double low, double high, boolean whole) {
  /**
   * From 0 to the highest value, or from the lowest if the axis is logarithmic.
   *
   * @param values at least one
   * @param room factor beyond the values
   */
  static ChartScale of(Axis axis, double[] values, double room, boolean whole) {
    double most = DoubleStream.of(values).max().orElseThrow();
    double low = DoubleStream.of(values).min().orElseThrow();
    double high = axis.end() > 0 ? axis.end() : most > 0 ? most * room : 1;
    if (axis.logarithmic() && low <= 0) {
      throw new IllegalArgumentException(axis.label() + ": " + low + " on a logarithmic axis");
    }
    return new ChartScale(axis, axis.logarithmic() ? low / room : Math.min(0, low), high, whole);
  }

  /** Half a place more than the words of an axis at both ends, for bars. */
  static ChartScale ofPlaces(Axis axis) {
    return new ChartScale(axis, -0.5, axis.words().size() - 0.5, true);
  }

  /** Where a value lies, 0 to 1. */
  double share(double v) {
    if (low == high) {
      return 0.5;
    }
    return axis.logarithmic() ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low);
  }

  /** Where words stand; else powers of two on a logarithmic axis, or about six round numbers. */
  double[] ticks() {
    if (!axis.words().isEmpty()) {
      return IntStream.range(0, axis.words().size()).asDoubleStream().toArray();
    }
    return axis.logarithmic() ? powers() : rounds();
  }

  private double[] powers() {
    double first = Math.pow(2, Math.ceil(Math.log(low) / Math.log(2) - 1e-9));
    int n = (int) Math.floor(Math.log(high / first) / Math.log(2) + 1e-9) + 1;
    int step = Math.max(1, (n + 9) / 10); // no more than ten
    return DoubleStream.iterate(first, v -> v * (1 << step)).limit((n + step - 1) / step).toArray();
  }

  private double[] rounds() {
    double rough = (high - low) / 6;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double ratio = rough / power;
    double step = power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
    double each = whole ? Math.max(1, step) : step;
    double first = Math.ceil(low / each) * each;
    return DoubleStream.iterate(first, v -> v <= high + 1e-9, v -> v + each).toArray();
  }

  /** A value, or the word that stands there. */
  String label(double v) {
    if (!axis.words().isEmpty()) {
      return axis.words().get((int) v);
    }
    return v == Math.rint(v)
        ? String.format(Locale.ROOT, "%.0f", v)
        : String.format(Locale.ROOT, "%.3g", v).replaceFirst("0+$", "");
  }
}
