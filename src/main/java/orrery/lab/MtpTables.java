package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The tables and the picture of {@link MtpLab}. */
final class MtpTables {
  private final Subject subject;
  private final Sheet sheet;
  private final List<MtpWay> ways = MtpWay.all();

  /** [1 + most drafts] by batch size: without speculation, then {@link MtpWay#fixed}. */
  private final Map<Integer, List<RoundTime>> times = new TreeMap<>();

  MtpTables(Subject subject, Sheet sheet) {
    this.subject = subject;
    this.sheet = sheet;
  }

  /** Wall clock of all ways on several texts at one batch size. */
  void speedups(List<MtpCell> row, int tokens) {
    int batch = row.getFirst().batch();
    int rounds = row.getFirst().runs().getFirst().size();
    String table = "mtp, batch " + batch + ", " + subject.name();
    sheet.title(
        "MTP, wall clock, batch " + batch + ": " + subject.description(),
        "tokens a second over those without speculation, prompts included; answers of at most "
            + tokens
            + " tokens; "
            + rounds
            + (rounds == 1 ? " round" : " rounds"));
    List<List<String>> cells = new ArrayList<>();
    cells.add(new ArrayList<>(List.of("")));
    row.forEach(cell -> cells.getFirst().add(cell.text().name()));
    for (int way = 0; way < ways.size(); way++) {
      String name = ways.get(way).name();
      List<String> line = new ArrayList<>(List.of(way == MtpWay.OFF ? "off, tok/s" : name));
      for (MtpCell cell : row) {
        boolean off = way == MtpWay.OFF;
        Spread s = off ? cell.rate(way) : cell.speedup(way, MtpWay.OFF);
        line.add(s.cell());
        keep(table, cell.text().name() + ", " + name, off ? "tok/s" : "x", s);
      }
      cells.add(line);
    }
    Comparison.markdown(sheet, cells);
    sheet.text("k 0: the MTP layer follows and nobody drafts. Below 1 it loses");
  }

  /** What rounds cost at one batch size, over all texts; remembers it for the others. */
  void times(List<MtpCell> row) {
    int batch = row.getFirst().batch();
    String table = "mtp round times, batch " + batch + ", " + subject.name();
    List<RoundTime> all = new ArrayList<>();
    for (int way = MtpWay.OFF; way <= MtpWay.fixed(MtpWay.MOST); way++) {
      List<DraftedRun.Decoded> steps = new ArrayList<>();
      for (MtpCell cell : row) {
        steps.addAll(cell.decoded(way));
      }
      all.add(RoundTime.of(steps, Math.max(0, way - MtpWay.fixed(0))));
    }
    times.put(batch, all);
    sheet.title(
        "MTP, what a round costs, batch " + batch + ": " + subject.name(),
        "us, median over decoding steps with that many drafts for each sequence");
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        List.of("", "rows", "t_verify", "t_draft", "t_extend", "rest", "round", "pays above"));
    for (int way = 0; way < all.size(); way++) {
      RoundTime t = all.get(way);
      int rows = batch * (1 + Math.max(0, way - MtpWay.fixed(0)));
      double length = t.breakEven(all.getFirst());
      keep(table, ways.get(way).name(), "us", t.whole());
      keep(table, ways.get(way).name() + ", t_verify", "us", t.verify());
      keep(table, ways.get(way).name() + ", t_draft", "us", t.draft());
      keep(table, ways.get(way).name() + ", t_extend", "us", t.extend());
      keep(table, ways.get(way).name() + ", pays above", "tokens", length);
      List<String> line = new ArrayList<>(List.of(ways.get(way).name(), Integer.toString(rows)));
      for (double v : new double[] {t.verify(), t.draft(), t.extend(), t.rest(), t.whole()}) {
        line.add(String.format(Locale.ROOT, "%.0f", v));
      }
      line.add(String.format(Locale.ROOT, "%.2f", length));
      cells.add(line);
    }
    Comparison.markdown(sheet, cells);
    double link =
        (all.get(MtpWay.fixed(MtpWay.MOST)).draft() - all.get(MtpWay.fixed(1)).draft())
            / (MtpWay.MOST - 1);
    sheet.text(
        String.format(
            Locale.ROOT,
            "t_1 is the round of \"off\". t_extend makes the first draft too, so k drafts are k - 1"
                + " links of %.0f us. Pays above:",
            link));
    sheet.text(
        "round / t_1, the tokens that a sequence must get from a round to be as fast as off");
  }

  /** The formula against the clock. */
  void forecasts(List<MtpCell> cells) {
    String table = "mtp forecast, " + subject.name();
    sheet.title(
        "MTP, the formula against the clock: " + subject.name(),
        "speed-up foretold, measured, and the one over the other");
    List<List<String>> lines = new ArrayList<>();
    lines.add(new ArrayList<>(List.of("")));
    for (int k = 1; k <= MtpWay.MOST; k++) {
      lines.getFirst().add("k " + k);
    }
    double farthest = 1;
    String where = "";
    for (MtpCell cell : cells) {
      String name = cell.text().name() + ", batch " + cell.batch();
      List<String> line = new ArrayList<>(List.of(name));
      for (int k = 1; k <= MtpWay.MOST; k++) {
        double foretold = forecast(cell, k);
        double measured = cell.speedup(MtpWay.fixed(k), MtpWay.OFF).median();
        double quotient = foretold / measured;
        line.add(String.format(Locale.ROOT, "%.2f %.2f %.2f", foretold, measured, quotient));
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
        "foretold: a decoding step gives tokens/step · t_1 / round times as much (tokens/step of"
            + " this text, the times of");
    sheet.text(
        "all texts), and the share of time without speculation that is not decoding stays as it"
            + " is");
  }

  /** Speed-up of the clock that acceptance and round times promise. */
  private double forecast(MtpCell cell, int k) {
    List<RoundTime> t = times.get(cell.batch());
    double decoding =
        cell.length(MtpWay.fixed(k)) / t.get(MtpWay.fixed(k)).breakEven(t.get(MtpWay.OFF));
    double other = cell.otherShare();
    return 1 / (other + (1 - other) / decoding);
  }

  /** Does the adaptive length find out? */
  void adaptive(List<MtpCell> cells) {
    String table = "mtp adaptive, " + subject.name();
    sheet.title(
        "MTP, adaptive length: " + subject.name(),
        "tokens a second, over those without speculation and over the best fixed length (0 to "
            + MtpWay.MOST
            + ")");
    List<List<String>> lines = new ArrayList<>();
    lines.add(List.of("", "adaptive over off", "best k", "best over off", "adaptive over best"));
    for (MtpCell cell : cells) {
      String name = cell.text().name() + ", batch " + cell.batch();
      int best = cell.bestFixed();
      Spread overOff = cell.speedup(MtpWay.ADAPTIVE, MtpWay.OFF);
      Spread overBest = cell.speedup(MtpWay.ADAPTIVE, MtpWay.fixed(best));
      keep(table, name + ", over off", "x", overOff);
      keep(table, name + ", over best", "x", overBest);
      lines.add(
          List.of(
              name,
              overOff.cell(),
              Integer.toString(best),
              cell.speedup(MtpWay.fixed(best), MtpWay.OFF).cell(),
              overBest.cell()));
    }
    Comparison.markdown(sheet, lines);
    sheet.text("aim: never below 0.95 of off. Every run begins anew and knows nothing");
  }

  /** What each text gives, beside what each batch size demands. */
  Chart chart(List<MtpCell> cells) {
    double[] x = new double[MtpWay.MOST + 1];
    Arrays.setAll(x, k -> k);
    List<Chart.Curve> curves = new ArrayList<>();
    for (MtpCell cell : cells) {
      if (cell.batch() == 1) {
        double[] given = new double[x.length];
        Arrays.setAll(given, k -> cell.length(MtpWay.fixed(k)));
        curves.add(new Chart.Curve(cell.text().name() + ": given", false, x, given));
      }
    }
    times.forEach(
        (batch, t) -> {
          double[] demanded = new double[x.length];
          Arrays.setAll(demanded, k -> t.get(MtpWay.fixed(k)).breakEven(t.get(MtpWay.OFF)));
          curves.add(new Chart.Curve("batch " + batch + ": demanded", true, x, demanded));
        });
    return new Chart(
        "MTP pays where a text gives more tokens than the batch size demands",
        subject.description(),
        new Chart.Axis("drafts in a step, k", false),
        new Chart.Axis("tokens of a sequence and step", false),
        curves);
  }

  private void keep(String table, String what, String unit, double v) {
    sheet.keep(new Figure(table, what, unit, v, v, v));
  }

  private void keep(String table, String what, String unit, Spread s) {
    sheet.keep(new Figure(table, what, unit, s.median(), s.low(), s.high()));
  }
}
