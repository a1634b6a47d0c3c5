package orrery.lab;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import orrery.lab.Chart.Curve;
import orrery.lab.Chart.Mark;
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
  private static final double BARS = 0.7; // of the distance of two words is covered by bars

  private final Chart chart;
  private final ChartStyle style;
  private final ChartScale x;
  private final ChartScale y;
  private final StringBuilder svg;

  private ChartSvg(Chart chart, StringBuilder svg) {
    this.chart = chart;
    this.svg = svg;
    this.style = new ChartStyle(chart);
    boolean bars = chart.curves().stream().anyMatch(c -> c.style() == Style.BARS);
    this.x =
        bars
            ? ChartScale.ofPlaces(chart.x())
            : ChartScale.of(chart.x(), values(Curve::x, Mark::x), 1, false);
    this.y = ChartScale.of(chart.y(), values(Curve::y, Mark::y), 1.08, bars);
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
        .formatted(
            WIDTH,
            height,
            escaped(charts.getFirst().title()),
            ChartStyle.CSS,
            WIDTH,
            height,
            panels);
  }

  private static int height(Chart chart) {
    int columns = legendColumns(chart);
    return LEGEND + (chart.curves().size() + columns - 1) / columns * LEGEND_LINE;
  }

  /** Names that would not fit into half the width stand below each other. */
  private static int legendColumns(Chart chart) {
    return chart.curves().stream().anyMatch(c -> c.name().length() > LEGEND_NAME) ? 1 : 2;
  }

  /** All values of an axis. */
  private double[] values(Function<Curve, double[]> of, ToDoubleFunction<Mark> ofMark) {
    return chart.curves().stream()
        .flatMapToDouble(
            c ->
                DoubleStream.concat(
                    DoubleStream.of(of.apply(c)), c.marks().stream().mapToDouble(ofMark)))
        .toArray();
  }

  private void draw() {
    text(LEFT, 30, "title", "start", chart.title());
    text(LEFT, 52, "soft", "start", chart.subtitle());
    grid();
    for (int c = 0; c < chart.curves().size(); c++) {
      if (chart.curves().get(c).style() == Style.BARS) {
        bars(chart.curves().get(c), c);
      } else {
        curve(chart.curves().get(c), c);
      }
      legend(chart.curves().get(c), c);
    }
    for (int c = 0; c < chart.curves().size(); c++) {
      marks(chart.curves().get(c), c); // above all curves
    }
  }

  private void grid() {
    for (double v : x.ticks()) {
      line("<path class=\"grid\" d=\"M%.1f %d V%d\"/>", atX(v), TOP, BOTTOM);
      text(atX(v), BOTTOM + 20, "soft", "middle", x.label(v));
    }
    for (double v : y.ticks()) {
      line("<path class=\"grid\" d=\"M%d %.1f H%d\"/>", LEFT, atY(v), RIGHT);
      text(LEFT - 8, atY(v) + 5, "soft", "end", y.label(v));
    }
    text((LEFT + RIGHT) / 2.0, BOTTOM + 45, "", "middle", chart.x().label());
    line(
        "<text transform=\"translate(22 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>",
        (TOP + BOTTOM) / 2.0, escaped(chart.y().label()));
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
    line("<path class=\"%s\" d=\"%s\"/>", style.look(c, index), path);
    for (int i = 0; i < c.x().length && ChartStyle.dotted(c); i++) {
      dot("dot c" + index, index, atX(c.x()[i]), atY(c.y()[i]));
    }
  }

  /** The form tells a curve where its colour does not. */
  private void dot(String kind, int index, double x, double y) {
    String form =
        switch (index % 4) {
          case 0 -> "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>";
          case 1 -> "<path class=\"%s\" d=\"M%.1f %.1f m-3.5 -3.5 h7 v7 h-7 Z\"/>";
          case 2 -> "<path class=\"%s\" d=\"M%.1f %.1f m0 -4.5 l4.5 7.5 h-9 Z\"/>";
          default -> "<path class=\"%s\" d=\"M%.1f %.1f m0 -5 l5 5 l-5 5 l-5 -5 Z\"/>";
        };
    line(form, kind, x, y);
  }

  private void bars(Curve c, int index) {
    double width = BARS * (RIGHT - LEFT) / chart.x().words().size() / chart.curves().size();
    for (int i = 0; i < c.x().length; i++) {
      double left = atX(c.x()[i]) + width * (index - chart.curves().size() / 2.0);
      double top = atY(c.y()[i]);
      line(
          "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
          style.look(c, index), left, top, width - 2, BOTTOM - top);
      text(left + width / 2 - 1, top - 5, "soft", "middle", y.label(c.y()[i]));
    }
  }

  private void marks(Curve c, int index) {
    for (Mark m : c.marks()) {
      double x = atX(m.x());
      double y = atY(m.y());
      if (m.dot()) {
        dot("dot faint c" + index, index, x, y);
      }
      boolean left = x > RIGHT - 8 * m.label().length(); // no room on the right
      if (!m.label().isEmpty()) {
        text(
            x + (left ? -8 : 7),
            y + (m.below() ? 16 : -10),
            "mark",
            left ? "end" : "start",
            m.label());
      }
    }
  }

  private void legend(Curve c, int index) {
    int columns = legendColumns(chart);
    int left = index % columns == 0 ? LEFT : (LEFT + RIGHT) / 2;
    int at = LEGEND + index / columns * LEGEND_LINE;
    boolean filled = c.style() == Style.AREA || c.style() == Style.BARS;
    String sample = filled ? "M%d %d v-10 h34 v10 Z" : "M%d %d h34";
    line(
        "<path class=\"%s\" d=\"" + sample + "\"/>",
        style.look(c, index),
        left,
        filled ? at : at - 5);
    if (ChartStyle.dotted(c)) {
      dot("dot c" + index, index, left + 17, at - 5);
    }
    text(left + 44, at, "", "start", c.name());
  }

  private double atX(double v) {
    return LEFT + (RIGHT - LEFT) * x.share(v);
  }

  private double atY(double v) {
    return BOTTOM - (BOTTOM - TOP) * y.share(v);
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
