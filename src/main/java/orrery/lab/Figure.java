package orrery.lab;

import java.util.List;
import java.util.Locale;

/**
 * One measured figure: a line of a table and of the CSV file.
 *
 * @param table for example "compute"
 * @param what the variant
 * @param unit of the three numbers
 * @param median of the samples
 * @param low quartile
 * @param high quartile
 */
public record Figure(
    String table, String what, String unit, double median, double low, double high) {
  /** Names of the CSV columns. */
  private static final String CSV_HEADER = "table,what,unit,median,low_quartile,high_quartile";

  static Figure rate(String table, String unit, Trial.Timing t) {
    return new Figure(table, t.name(), unit, t.rate(), t.lowRate(), t.highRate());
  }

  static Figure micros(String table, Trial.Timing t) {
    double low = t.work() / t.highRate();
    double high = t.work() / t.lowRate();
    return new Figure(table, t.name(), "us", t.median() * 1e6, low * 1e6, high * 1e6);
  }

  /** A CSV file: a line of names, then one of each figure. */
  public static String csv(List<Figure> figures) {
    StringBuilder file = new StringBuilder(CSV_HEADER).append('\n');
    figures.forEach(figure -> file.append(figure.csv()).append('\n'));
    return file.toString();
  }

  private String csv() {
    return String.format(
        Locale.ROOT, "\"%s\",\"%s\",%s,%.6g,%.6g,%.6g", table, what, unit, median, low, high);
  }
}
