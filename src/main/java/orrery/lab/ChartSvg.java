package orrery.lab;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import orrery.lab.Chart.Axis;
import orrery.lab.Chart.Curve;
import orrery.lab.Chart.Style;

/**
 * Draws a {@link Chart} as an SVG file, as plain text for the reasons that {@link RooflineSvg}
 * gives.
 */
public final class ChartSvg {
  private static final int WIDTH = 840;
  private static final int LEFT = 80;
  private static final int RIGHT = 815;
  private static final int TOP = 70;
  private static final int BOTTOM = 430;
  private static final int LEGEND = BOTTOM + 72;
  private static final int LEGEND_LINE = 22;
  private static final int LEGEND_NAME = 46; // characters that fit into half the width
  private static final int AREA_COLOURS = 3;
  private static final int MARKED = 40; // curves of more points have no dots

  private static final String STYLE =
      """
      <style>
        text { font: 14px Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328 }
        .title { font-size: 17px; font-weight: bold }
        .soft { fill: #59636e }
        .page { fill: #ffffff }
        .grid { stroke: #e4e7eb; stroke-width: 1 }
        .curve { fill: none; stroke-width: 2.2; stroke-linejoin: round }
        .dashed { stroke-dasharray: 6 4 }
        .c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } .c2 { stroke: #1a7f37 }
        .c3 { stroke: #8250df } .c4 { stroke: #bf3989 } .c5 { stroke: #59636e }
        .c6 { stroke: #9a6700 } .c7 { stroke: #cf222e }
        .area { stroke: none; fill-opacity: 0.85 }
        .f0 { fill: #d0d7de } .f1 { fill: #0969da } .f2 { fill: #1a7f37 }
        .dot { fill: #ffffff; stroke-width: 2 }
        @media (prefers-color-scheme: dark) {
          text { fill: #f0f6fc }
          .soft { fill: #9198a1 }
          .page, .dot { fill: #0d1117 }
          .grid { stroke: #262c36 }
          .f0 { fill: #3d444d } .f1 { fill: #58a6ff } .f2 { fill: #3fb950 }
          .c0 { stroke: #58a6ff } .c1 { stroke: #f0883e } .c2 { stroke: #3fb950 }
          .c3 { stroke: #bc8cff } .c4 { stroke: #f778ba } .c5 { stroke: #9198a1 }
          .c6 { stroke: #d29922 } .c7 { stroke: #ff7b72 }
        }
      </style>
      """;

  private final Chart chart;
  private final double[] x; // [2] lowest and highest value shown
  private final double[] y;
  private final StringBuilder svg;

  private ChartSvg(Chart chart, StringBuilder svg) {
    this.chart = chart;
    this.svg = svg;
    this.x = range(chart.x(), Curve::x, 1);
    this.y = range(chart.y(), Curve::y, 1.08);
  }

  /** The picture as the text of an SVG file. */
  public static String draw(Chart chart) {
    return draw(List.of(chart));
  }

  /** Several charts, one above the other. */
  public static String draw(List<Chart> charts) {
    StringBuilder panels = new StringBuilder();
    int height = 0;
    for (Chart chart : charts) {
      panels.append("<g transform=\"translate(0 %d)\">%n".formatted(height));
      new ChartSvg(chart, panels).draw();
      panels.append("</g>\n");
      height += height(chart);
    }
    return """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">
    <title>%s</title>
    %s<rect class="page" width="%d" height="%d"/>
    %s</svg>
    """
        .formatted(WIDTH, height, escaped(charts.getFirst().title()), STYLE, WIDTH, height, panels);
  }

  private static int height(Chart chart) {
    int columns = legendColumns(chart);
    return LEGEND + (chart.curves().size() + columns - 1) / columns * LEGEND_LINE;
  }

  /** Names that would not fit into half the width stand below each other. */
  private static int legendColumns(Chart chart) {
    return chart.curves().stream().anyMatch(c -> c.name().length() > LEGEND_NAME) ? 1 : 2;
  }

  private double[] range(Axis axis, java.util.function.Function<Curve, double[]> of, double room) {
    ToDoubleFunction<double[]> most = v -> DoubleStream.of(v).max().orElseThrow();
    ToDoubleFunction<double[]> least = v -> DoubleStream.of(v).min().orElseThrow();
    double high = chart.curves().stream().map(of).mapToDouble(most).max().orElseThrow();
    double low = chart.curves().stream().map(of).mapToDouble(least).min().orElseThrow();
    high = axis.end() > 0 ? axis.end() : high > 0 ? high * room : 1;
    if (axis.logarithmic() && low <= 0) {
      throw new IllegalArgumentException(axis.label() + ": " + low + " on a logarithmic axis");
    }
    return new double[] {axis.logarithmic() ? low / room : Math.min(0, low), high};
  }

  private void draw() {
    text(LEFT, 30, "title", "start", chart.title());
    text(LEFT, 52, "soft", "start", chart.subtitle());
    grid();
    for (int c = 0; c < chart.curves().size(); c++) {
      curve(chart.curves().get(c), c);
      legend(chart.curves().get(c), c);
    }
  }

  private void grid() {
    for (double v : ticks(chart.x(), x)) {
      line("<path class=\"grid\" d=\"M%.1f %d V%d\"/>", atX(v), TOP, BOTTOM);
      text(atX(v), BOTTOM + 20, "soft", "middle", label(chart.x(), v));
    }
    for (double v : ticks(chart.y(), y)) {
      line("<path class=\"grid\" d=\"M%d %.1f H%d\"/>", LEFT, atY(v), RIGHT);
      text(LEFT - 8, atY(v) + 5, "soft", "end", label(chart.y(), v));
    }
    text((LEFT + RIGHT) / 2.0, BOTTOM + 45, "", "middle", chart.x().label());
    line(
        "<text transform=\"translate(22 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>",
        (TOP + BOTTOM) / 2.0, escaped(chart.y().label()));
  }

  /** Where words stand; else powers of two on a logarithmic axis, or about six round numbers. */
  private static double[] ticks(Axis axis, double[] range) {
    if (!axis.words().isEmpty()) {
      return IntStream.range(0, axis.words().size()).asDoubleStream().toArray();
    }
    if (axis.logarithmic()) {
      double first = Math.pow(2, Math.ceil(Math.log(range[0]) / Math.log(2) - 1e-9));
      int n = (int) Math.floor(Math.log(range[1] / first) / Math.log(2) + 1e-9) + 1;
      int step = Math.max(1, (n + 9) / 10); // no more than ten
      return DoubleStream.iterate(first, v -> v * (1 << step))
          .limit((n + step - 1) / step)
          .toArray();
    }
    double rough = (range[1] - range[0]) / 6;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step =
        rough / power < 1.5
            ? power
            : rough / power < 3.5 ? 2 * power : rough / power < 7.5 ? 5 * power : 10 * power;
    double first = Math.ceil(range[0] / step) * step;
    return DoubleStream.iterate(first, v -> v <= range[1] + 1e-9, v -> v + step).toArray();
  }

  private void curve(Curve c, int index) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < c.x().length; i++) {
      path.append(path.isEmpty() ? "M" : " L");
      path.append(String.format(Locale.ROOT, "%.1f %.1f", atX(c.x()[i]), atY(c.y()[i])));
    }
    if (c.style() == Style.AREA) {
      double left = atX(c.x()[0]);
      path.append(String.format(Locale.ROOT, " V%d H%.1f Z", BOTTOM, left));
    }
    line("<path class=\"%s\" d=\"%s\"/>", look(c, index), path);
    for (int i = 0; i < c.x().length && c.x().length <= MARKED && c.style() == Style.LINE; i++) {
      line(
          "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>",
          index, atX(c.x()[i]), atY(c.y()[i]));
    }
  }

  private static String look(Curve c, int index) {
    return switch (c.style()) {
      case LINE -> "curve c" + index;
      case DASHED -> "curve dashed c" + index;
      case AREA -> "area f" + index % AREA_COLOURS;
    };
  }

  private void legend(Curve c, int index) {
    int columns = legendColumns(chart);
    int left = index % columns == 0 ? LEFT : (LEFT + RIGHT) / 2;
    int at = LEGEND + index / columns * LEGEND_LINE;
    String sample = c.style() == Style.AREA ? "M%d %d v-10 h34 v10 Z" : "M%d %d h34";
    int y = c.style() == Style.AREA ? at : at - 5;
    line("<path class=\"%s\" d=\"" + sample + "\"/>", look(c, index), left, y);
    text(left + 44, at, "", "start", c.name());
  }

  private double atX(double v) {
    return LEFT + (RIGHT - LEFT) * share(chart.x(), x, v);
  }

  private double atY(double v) {
    return BOTTOM - (BOTTOM - TOP) * share(chart.y(), y, v);
  }

  private static double share(Axis axis, double[] range, double v) {
    if (range[0] == range[1]) {
      return 0.5;
    }
    return axis.logarithmic()
        ? Math.log(v / range[0]) / Math.log(range[1] / range[0])
        : (v - range[0]) / (range[1] - range[0]);
  }

  private static String label(Axis axis, double v) {
    if (!axis.words().isEmpty()) {
      return axis.words().get((int) v);
    }
    return v == Math.rint(v)
        ? String.format(Locale.ROOT, "%.0f", v)
        : String.format(Locale.ROOT, "%.3g", v).replaceFirst("0+$", "");
  }

  private void text(double x, double y, String kind, String anchor, String words) {
    line(
        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        kind, x, y, anchor, escaped(words));
  }

  private static String escaped(String words) {
    return words.replace("&", "&amp;").replace("<", "&lt;");
  }

  private void line(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
