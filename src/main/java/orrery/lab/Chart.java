package orrery.lab;

import java.util.List;

/**
 * A picture of some curves, for {@link ChartSvg}.
 *
 * @param title above
 * @param subtitle the workload and the machine
 * @param x the horizontal axis
 * @param y the vertical axis
 * @param curves at most eight
 */
public record Chart(String title, String subtitle, Axis x, Axis y, List<Curve> curves) {
  public Chart {
    curves = List.copyOf(curves);
    if (curves.isEmpty() || curves.size() > 8 || curves.stream().anyMatch(c -> c.x.length == 0)) {
      throw new IllegalArgumentException(
          "chart " + title + ": expected 1 to 8 curves, none of them empty");
    }
  }

  /**
   * An axis.
   *
   * @param label with the unit
   * @param logarithmic else from 0
   */
  public record Axis(String label, boolean logarithmic) {}

  /**
   * A curve.
   *
   * @param dashed to tell a second quantity of the same variant
   * @param x [points]
   * @param y [points]
   */
  public record Curve(String name, boolean dashed, double[] x, double[] y) {
    public Curve {
      if (x.length != y.length) {
        throw new IllegalArgumentException(name + ": " + x.length + " x for " + y.length + " y");
      }
    }
  }
}
