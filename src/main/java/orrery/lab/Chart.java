package orrery.lab;

import static java.util.stream.Collectors.joining;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
   * One chart with the curves of several charts; a curve that several have by the same name is
   * drawn once.
   */
  static Chart together(List<Chart> charts) {
    Map<String, Curve> curves = new LinkedHashMap<>();
    charts.forEach(c -> c.curves.forEach(curve -> curves.putIfAbsent(curve.name, curve)));
    Chart first = charts.getFirst();
    String subtitle = charts.stream().map(Chart::subtitle).distinct().collect(joining("; "));
    return new Chart(first.title, subtitle, first.x, first.y, List.copyOf(curves.values()));
  }

  /**
   * An axis.
   *
   * @param label with the unit
   * @param logarithmic whether the axis is logarithmic; else it begins at 0
   * @param end the highest value shown; 0 is as far as the curves go
   * @param words stand at 0, 1, 2, …; if there are none, numbers stand at round values
   */
  public record Axis(String label, boolean logarithmic, double end, List<String> words) {
    public Axis {
      words = List.copyOf(words);
    }

    public Axis(String label, boolean logarithmic, double end) {
      this(label, logarithmic, end, List.of());
    }

    public Axis(String label, boolean logarithmic) {
      this(label, logarithmic, 0);
    }

    /** An axis whose values 0, 1, 2, … are words. */
    static Axis of(String label, List<String> words) {
      return new Axis(label, false, words.size() - 1, words);
    }
  }

  /** How a curve is drawn. */
  public enum Style {
    LINE,
    /** For a limit, or a second quantity of a variant NAME, called NAME: QUANTITY. */
    DASHED,
    /** The area below the curve is filled. */
    AREA,
    /** A bar for each point, beside those of the other curves; x are places of words. */
    BARS
  }

  /**
   * What is drawn beside a curve.
   *
   * @param label words at the place; empty for none
   * @param below whether the words stand below it, not above
   * @param dot whether a faint dot in the colour of the curve stands there
   */
  public record Mark(double x, double y, String label, boolean below, boolean dot) {}

  /**
   * A curve.
   *
   * @param x [points]
   * @param y [points]
   * @param marks what is drawn beside it
   */
  public record Curve(String name, Style style, double[] x, double[] y, List<Mark> marks) {
    public Curve(String name, Style style, double[] x, double[] y) {
      this(name, style, x, y, List.of());
    }

    public Curve {
      marks = List.copyOf(marks);
      if (x.length != y.length) {
        throw new IllegalArgumentException(name + ": " + x.length + " x for " + y.length + " y");
      }
    }
  }
}
