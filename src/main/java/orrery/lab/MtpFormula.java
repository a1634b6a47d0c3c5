package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * "Pays if acceptance length > (t_verify + t_extend + (k - 1) · t_draft) / t_1": measures the
 * times, works out the acceptance length that pays, and compares the formula with the clock.
 */
final class MtpFormula {
  private static final int FEW = 8; // fewer steps are too few for a median

  private final Subject subject;
  private final Sheet sheet;
  private final List<MtpWay> ways = MtpWay.all();

  /** [1 + most drafts] by batch size: without speculation, then {@link MtpWay#fixed}. */
  private final Map<Integer, List<RoundTime>> times = new TreeMap<>();

  MtpFormula(Subject subject, Sheet sheet) {
    this.subject = subject;
    this.sheet = sheet;
  }

  /** Prints the cost of rounds at one batch size, over all texts, and keeps it for the forecast. */
  void times(List<MtpCell> row) {
    int batch = row.getFirst().batch();
    String table = "mtp round times, batch " + batch + ", " + subject.name();
    List<RoundTime> all = new ArrayList<>();
    for (int way = MtpWay.OFF; way <= MtpWay.fixed(MtpWay.MOST); way++) {
      List<DraftedRun.Decoded> steps = new ArrayList<>();
      for (MtpCell cell : row) {
        steps.addAll(cell.decoded(way));
      }
      all.add(RoundTime.of(steps, MtpWay.drafts(way)));
    }
    times.put(batch, all);
    sheet.title(
        "MTP, what a round costs, batch " + batch + ": " + subject.name(),
        "us, median over decoding steps with that many drafts for each sequence");
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        List.of(
            "",
            "rows",
            "t_verify",
            "by text",
            "t_draft",
            "t_extend",
            "rest",
            "round",
            "pays above"));
    for (int way = 0; way < all.size(); way++) {
      cells.add(timesLine(table, row, all, way));
    }
    Comparison.markdown(sheet, cells);
    double links = all.getLast().draft() - all.get(MtpWay.fixed(1)).draft();
    sheet.text(
        String.format(
            Locale.ROOT,
            "t_1 is the round of \"off\". t_extend makes the first draft too, so k drafts are k - 1"
                + " links of %.0f us. By text:",
            links / (MtpWay.MOST - 1)));
    sheet.text(
        "the lowest and the highest t_verify of a text; rows that choose other experts read other"
            + " weights. Pays above:");
    sheet.text(
        "round / t_1, the tokens that a sequence must get from a round to be as fast as off");
  }

  private List<String> timesLine(String table, List<MtpCell> row, List<RoundTime> all, int way) {
    RoundTime t = all.get(way);
    String name = ways.get(way).name();
    double length = t.breakEven(all.getFirst());
    keep(table, name, "us", t.whole());
    keep(table, name + ", t_verify", "us", t.verify());
    keep(table, name + ", t_draft", "us", t.draft());
    keep(table, name + ", t_extend", "us", t.extend());
    keep(table, name + ", pays above", "tokens", length);
    double[] verify = row.stream().mapToDouble(c -> time(c, way, t).verify()).sorted().toArray();
    List<String> line = new ArrayList<>(List.of(name));
    line.add(Integer.toString(row.getFirst().batch() * (1 + MtpWay.drafts(way))));
    line.add(micros(t.verify()));
    line.add(micros(verify[0]) + " - " + micros(verify[verify.length - 1]));
    for (double v : new double[] {t.draft(), t.extend(), t.rest(), t.whole()}) {
      line.add(micros(v));
    }
    line.add(String.format(Locale.ROOT, "%.2f", length));
    return line;
  }

  private static String micros(double v) {
    return String.format(Locale.ROOT, "%.0f", v);
  }

  /** Times of one text; those of all texts, if this text has too few such steps. */
  private static RoundTime time(MtpCell cell, int way, RoundTime all) {
    int drafts = MtpWay.drafts(way);
    List<DraftedRun.Decoded> steps =
        cell.decoded(way).stream().filter(d -> d.drafts(drafts)).toList();
    return steps.size() < FEW ? all : RoundTime.of(steps, drafts);
  }

  /** The formula against the clock. */
  void forecasts(List<MtpCell> cells) {
    String table = "mtp forecast, " + subject.name();
    sheet.title(
        "MTP, the formula against the clock: " + subject.name(),
        "wall clock over off: foretold, measured, and foretold over measured");
    List<List<String>> lines = new ArrayList<>();
    lines.add(new ArrayList<>(List.of("")));
    for (int k : MtpWay.SOME) {
      lines.getFirst().add("k " + k);
    }
    double farthest = 1;
    String where = "";
    for (MtpCell cell : cells) {
      String name = cell.text().name() + ", batch " + cell.batch();
      List<String> line = new ArrayList<>(List.of(name));
      for (int k : MtpWay.SOME) {
        double[] foretold = forecast(cell, MtpWay.fixed(k));
        double[] measured = cell.speedups(MtpWay.fixed(k), MtpWay.OFF);
        double quotient = Spread.of(MtpCell.quotients(foretold, measured)).median();
        line.add(
            String.format(
                Locale.ROOT,
                "%.2f %.2f %.2f",
                Spread.of(foretold).median(),
                Spread.of(measured).median(),
                quotient));
        keep(table, name + ", k " + k + ", foretold over measured", "x", quotient);
        if (where.isEmpty() || Math.abs(Math.log(quotient)) > Math.abs(Math.log(farthest))) {
          farthest = quotient;
          where = name + ", k " + k;
        }
      }
      lines.add(line);
    }
    Comparison.markdown(sheet, lines);
    keep(table, "farthest apart", "x", farthest);
    sheet.text(
        String.format(
            Locale.ROOT, "farthest apart: %s, %.2f (aim: 0.85 to 1.15)", where, farthest));
    sheet.text(
        "foretold: as many decoding steps as were needed, each of the round time (median for this"
            + " text), and prompts that");
    sheet.text(
        "take as long as with k 0. For decoding alone that is tokens/step * t_1 / round. Medians of"
            + " the rounds");
  }

  /** Speed-up of the clock that tokens per step and round times promise, [rounds]. */
  private double[] forecast(MtpCell cell, int way) {
    List<RoundTime> all = times.get(cell.batch());
    double with = time(cell, way, all.get(way)).whole();
    double without = time(cell, MtpWay.OFF, all.get(MtpWay.OFF)).whole();
    return MtpCell.quotients(
        cell.promised(way, with, MtpWay.fixed(0)), cell.promised(MtpWay.OFF, without, MtpWay.OFF));
  }

  private void keep(String table, String what, String unit, double v) {
    sheet.keep(new Figure(table, what, unit, v, v, v));
  }
}
