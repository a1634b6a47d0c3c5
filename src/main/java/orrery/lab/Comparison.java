package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import orrery.lab.Rounds.Series;

/** A table of variants against figures, as Markdown. The docs show the table as it is printed. */
final class Comparison {
  private record Column(String title, ToDoubleFunction<Trace> of) {}

  private final String name;
  private final List<Column> columns = new ArrayList<>();

  Comparison(String name) {
    this.name = name;
  }

  Comparison column(String title, ToDoubleFunction<Trace> of) {
    columns.add(new Column(title, of));
    return this;
  }

  /** Prints median and quartiles over the rounds. */
  void print(Sheet sheet, List<Series> all) {
    List<List<String>> cells = new ArrayList<>();
    cells.add(new ArrayList<>(List.of("")));
    columns.forEach(c -> cells.getFirst().add(c.title));
    for (Series series : all) {
      List<String> row = new ArrayList<>(List.of(series.name()));
      for (Column c : columns) {
        Spread s = series.of(c.of);
        row.add(s.cell());
        sheet.keep(new Figure(name, series.name(), c.title, s.median(), s.low(), s.high()));
      }
      cells.add(row);
    }
    markdown(sheet, cells);
  }

  /** Prints rows of cells; the first row is the head. */
  static void markdown(Sheet sheet, List<List<String>> cells) {
    int columns = cells.getFirst().size();
    int[] width = new int[columns];
    for (List<String> row : cells) {
      for (int c = 0; c < columns; c++) {
        width[c] = Math.max(width[c], row.get(c).length());
      }
    }
    for (int r = 0; r < cells.size(); r++) {
      StringBuilder line = new StringBuilder("|");
      for (int c = 0; c < columns; c++) {
        String format = c == 0 ? " %-" + Math.max(1, width[c]) + "s |" : " %" + width[c] + "s |";
        line.append(String.format(Locale.ROOT, format, cells.get(r).get(c)));
      }
      sheet.text(line.toString());
      if (r == 0) {
        StringBuilder rule = new StringBuilder("|");
        for (int c = 0; c < columns; c++) {
          rule.append("-".repeat(Math.max(1, width[c]) + 1)).append(c == 0 ? "-|" : ":|");
        }
        sheet.text(rule.toString());
      }
    }
  }

  /** Prints and keeps how a figure of one variant relates to another's, round by round. */
  void ratio(Sheet sheet, String what, Series a, Series b, ToDoubleFunction<Trace> of, String aim) {
    Spread s = Spread.of(a.over(b, of));
    String name = what + ", " + a.name() + " over " + b.name();
    sheet.keep(new Figure(this.name, name, "x", s.median(), s.low(), s.high()));
    sheet.text(name + ": " + s.cell() + "x" + (aim.isEmpty() ? "" : " (aim: " + aim + ")"));
  }
}
