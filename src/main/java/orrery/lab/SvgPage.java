package orrery.lab;

import java.util.Locale;

/** The text of an SVG file as it grows downwards; {@code class} names stand for colours. */
final class SvgPage {
  static final int WIDTH = 840;
  static final int LEFT = 120; // where drawings begin; their names stand left of it
  static final int RIGHT = 810;

  private final StringBuilder svg = new StringBuilder();
  int y; // where the next thing is drawn

  /** The file. */
  String finish(String title, String style) {
    return String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">%n",
            WIDTH,
            y)
        + "<title>"
        + title
        + "</title>\n"
        + style
        + String.format(
            Locale.ROOT, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>%n", WIDTH, y)
        + svg
        + "</svg>\n";
  }

  /** A title, and a line that says what is seen. */
  void heading(String title, String meaning) {
    text(20, y + 34, "title", "start", title);
    text(20, y + 56, "soft", "start", meaning);
    y += 76;
  }

  /** A path of class {@code kind}, not filled. */
  void path(String kind, CharSequence d) {
    svg.append("<path fill=\"none\" class=\"" + kind + "\" d=\"" + d + "\"/>\n");
  }

  void line(String kind, double x1, double y1, double x2, double y2) {
    path(kind, String.format(Locale.ROOT, "M%.1f %.1fL%.1f %.1f", x1, y1, x2, y2));
  }

  void rectangle(String kind, double x, double y, double width, double height) {
    add(
        "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>%n",
        kind, x, y, width, height);
  }

  void text(double x, double y, String kind, String anchor, String words) {
    add(
        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
        kind, x, y, anchor, words.replace("&", "&amp;").replace("<", "&lt;"));
  }

  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values));
  }
}
