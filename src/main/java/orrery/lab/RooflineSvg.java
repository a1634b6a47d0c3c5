package orrery.lab;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import orrery.lab.Roofline.Curve;
import orrery.lab.Roofline.Point;

/**
 * Draws a {@link Roofline} as an SVG file, both axes logarithmic.
 *
 * <p>Plain text, no chart library: such libraries draw through AWT, which wants fonts installed
 * even to write an SVG, and they do not adapt to a dark page.
 */
public final class RooflineSvg {
  private static final int WIDTH = 840;
  private static final int HEIGHT = 560;
  private static final int LEFT = 70;
  private static final int RIGHT = 815;
  private static final int TOP = 70;
  private static final int BOTTOM = 500;
  private static final double FROM_ROWS = 0.85;
  private static final int LEGEND_X = 500;
  private static final int LEGEND_LINE = 21;

  private static final String STYLE =
      """
      <style>
        text { font: 14px Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328 }
        .title { font-size: 17px; font-weight: bold }
        .soft { fill: #59636e }
        .page { fill: #ffffff }
        .grid { stroke: #e4e7eb; stroke-width: 1 }
        .f32 { stroke: #0969da; fill: none }
        .bf16 { stroke: #bc4c00; fill: none }
        .bits8 { stroke: #1a7f37; fill: none }
        .bits4 { stroke: #8250df; fill: none }
        .curve { stroke-width: 2.4 }
        .memory { stroke-dasharray: 8 4 }
        .roof { stroke: #1f2328; stroke-width: 1.6; fill: none }
        .limit { stroke-width: 1.3; stroke-dasharray: 2 4 }
        .dot { stroke-width: 2.2; fill: #ffffff }
        @media (prefers-color-scheme: dark) {
          text { fill: #f0f6fc }
          .soft { fill: #9198a1 }
          .page { fill: #0d1117 }
          .grid { stroke: #262c36 }
          .f32 { stroke: #58a6ff }
          .bf16 { stroke: #f0883e }
          .bits8 { stroke: #3fb950 }
          .bits4 { stroke: #a371f7 }
          .roof { stroke: #f0f6fc }
          .dot { fill: #0d1117 }
        }
      </style>
      """;

  private final Roofline roofline;
  private final double toRows;
  private final double lowest; // GFLOP/s at the bottom
  private final double highest;
  private final StringBuilder svg = new StringBuilder();

  private RooflineSvg(Roofline roofline) {
    this.roofline = roofline;
    double most = 1;
    double least = roofline.gflops();
    for (Curve c : roofline.curves()) {
      least = Math.min(least, roofline.memoryBound(1, c.bitsPerWeight()));
      for (Point p : c.points()) {
        most = Math.max(most, p.rows());
        least = Math.min(least, p.gflops());
      }
    }
    this.toRows = most * 1.2;
    this.lowest = least / 1.5;
    this.highest = roofline.gflops() * 1.5;
  }

  /** The picture as the text of an SVG file. */
  public static String draw(Roofline roofline) {
    return new RooflineSvg(roofline).draw();
  }

  private String draw() {
    line(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">",
        WIDTH, HEIGHT);
    line("<title>Rows against speed</title>");
    svg.append(STYLE);
    line("<rect class=\"page\" width=\"%d\" height=\"%d\"/>", WIDTH, HEIGHT);
    text(LEFT, 30, "title", "start", "Rows against speed");
    text(LEFT, 52, "soft", "start", roofline.machine());
    grid();
    roofs();
    roofline.curves().forEach(this::curve);
    legend();
    line("</svg>");
    return svg.toString();
  }

  private void grid() {
    for (int rows = 1; rows <= toRows; rows *= 2) {
      vertical(rows);
      text(x(rows), BOTTOM + 20, "soft", "middle", Integer.toString(rows));
    }
    vertical(toRows / 1.2);
    text(x(toRows / 1.2), BOTTOM + 20, "soft", "middle", Math.round(toRows / 1.2) + "");
    text((LEFT + RIGHT) / 2.0, BOTTOM + 45, "", "middle", "rows in one product");
    for (double g = 1; g <= highest; g *= 2) {
      if (g >= lowest) {
        line("<path class=\"grid\" d=\"M%d %.1f H%d\"/>", LEFT, y(g), RIGHT);
        text(LEFT - 8, y(g) + 5, "soft", "end", Math.round(g) + "");
      }
    }
    line(
        "<text transform=\"translate(22 %.1f) rotate(-90)\" text-anchor=\"middle\">GFLOP/s</text>",
        (TOP + BOTTOM) / 2.0);
  }

  private void vertical(double rows) {
    line("<path class=\"grid\" d=\"M%.1f %d V%d\"/>", x(rows), TOP, BOTTOM);
  }

  private void roofs() {
    double roof = roofline.gflops();
    line("<path class=\"roof\" d=\"M%d %.1f H%d\"/>", LEFT, y(roof), RIGHT);
    for (Curve c : roofline.curves()) {
      double one = roofline.memoryBound(1, c.bitsPerWeight());
      double ridge = roof / one; // rows where the two ceilings meet
      double from = Math.min(ridge, FROM_ROWS);
      double to = Math.min(ridge, toRows);
      if (c.fromMemory()) {
        line(
            "<path class=\"limit %s\" d=\"M%.1f %.1f L%.1f %.1f\"/>",
            color(c), x(from), y(one * from), x(to), y(one * to));
      }
    }
  }

  private void curve(Curve c) {
    StringBuilder path = new StringBuilder();
    for (Point p : c.points()) {
      path.append(path.isEmpty() ? "M" : " L");
      path.append(String.format(Locale.ROOT, "%.1f %.1f", x(p.rows()), y(p.gflops())));
    }
    String kind = color(c) + (c.fromMemory() ? " memory" : "");
    line("<path class=\"curve %s\" d=\"%s\"/>", kind, path);
    for (Point p : c.points()) {
      dot(x(p.rows()), y(p.gflops()), c);
    }
  }

  private void dot(double x, double y, Curve c) {
    String color = color(c);
    line("<circle class=\"%s dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\"/>", color, x, y);
  }

  /** Draws the legend at the lower right, where no curve passes: many rows are never slow. */
  private void legend() {
    Map<String, Curve> formats = new LinkedHashMap<>(); // one curve of each
    roofline.curves().forEach(c -> formats.putIfAbsent(c.format(), c));
    int entries = formats.size() + 4;
    double at = BOTTOM - 12 - (entries - 1) * LEGEND_LINE;
    line(
        "<rect class=\"page\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>",
        LEGEND_X - 12, at - 16, RIGHT - LEGEND_X + 6, entries * LEGEND_LINE + 2);
    entry(at, "roof", number(roofline.gflops()) + " GFLOP/s: pure multiply-add");
    entry(
        at + LEGEND_LINE,
        "limit roof",
        number(roofline.gigabytes()) + " GB/s: plain read, as each format");
    entry(at + 2 * LEGEND_LINE, "curve roof", "product, weights from cache");
    entry(at + 3 * LEGEND_LINE, "curve roof memory", "product, weights from memory");
    at += 4 * LEGEND_LINE;
    for (Curve c : formats.values()) {
      entry(at, "curve " + color(c), "weights " + c.format());
      dot(LEGEND_X + 17, at - 5, c);
      at += LEGEND_LINE;
    }
  }

  private void entry(double at, String kind, String words) {
    line("<path class=\"%s\" d=\"M%d %.1f h34\"/>", kind, LEGEND_X, at - 5);
    text(LEGEND_X + 44, at, "", "start", words);
  }

  private static String color(Curve c) {
    double bits = c.bitsPerWeight();
    return bits >= 32 ? "f32" : bits >= 16 ? "bf16" : bits >= 8 ? "bits8" : "bits4";
  }

  private double x(double rows) {
    return LEFT + (RIGHT - LEFT) * Math.log(rows / FROM_ROWS) / Math.log(toRows / FROM_ROWS);
  }

  private double y(double gflops) {
    return BOTTOM - (BOTTOM - TOP) * Math.log(gflops / lowest) / Math.log(highest / lowest);
  }

  private void text(double x, double y, String kind, String anchor, String words) {
    line(
        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        kind, x, y, anchor, words.replace("&", "&amp;").replace("<", "&lt;"));
  }

  private static String number(double v) {
    return Sheet.number(v);
  }

  private void line(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
