package orrery.lab;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Prints tables one by one and keeps their figures. */
final class Sheet {
  private final PrintStream out;
  private final List<Figure> figures = new ArrayList<>();

  Sheet(PrintStream out) {
    this.out = out;
  }

  /** Begins a table: a title, and a line that says what it means. */
  void title(String title, String meaning) {
    out.printf("%n%s%n  %s%n", title, meaning);
  }

  /** A line of a table; the last column says what the figure means beside the others. */
  void add(Figure f, String remark) {
    figures.add(f);
    out.printf(
        Locale.ROOT,
        "  %-34s %9s %-8s [%s .. %s]  %s%n",
        f.what(),
        number(f.median()),
        f.unit(),
        number(f.low()),
        number(f.high()),
        remark);
  }

  /** Keeps a figure that a table prints in a form of its own. */
  void keep(Figure f) {
    figures.add(f);
  }

  void text(String line) {
    out.println("  " + line);
  }

  List<Figure> figures() {
    return List.copyOf(figures);
  }

  /** Three digits or more. */
  static String number(double v) {
    int decimals = v >= 100 ? 0 : v >= 10 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f", v);
  }

  static String percent(double part, double whole) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * part / whole);
  }

  static String times(double a, double b) {
    return String.format(Locale.ROOT, "%.2fx", a / b);
  }
}
