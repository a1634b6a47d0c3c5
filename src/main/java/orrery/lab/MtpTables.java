package orrery.lab;

import java.util.ArrayList;
import java.util.List;

/** The tables of speed by the wall clock. */
final class MtpTables {
  private final Subject subject;
  private final Sheet sheet;
  private final List<MtpWay> ways = MtpWay.all();

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
        "tokens a second over off, prompts included, while the batch is full; answers of at most "
            + tokens
            + " tokens; "
            + rounds(rounds));
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
    if (batch > 1) {
      sheet.text("stories and prose only: answers of a few tokens never fill a batch for long");
    }
    sheet.text("k 0: the MTP layer follows, but makes no drafts. Below 1, speculation loses");
  }

  /**
   * Prints the adaptive length beside off and beside the best fixed length.
   *
   * @param cells of {@link MtpLab#longer}
   * @param best fixed length of each
   */
  void adaptive(List<MtpCell> cells, List<Integer> best) {
    String table = "mtp adaptive, " + subject.name();
    sheet.title(
        "MTP, adaptive length, batch 1: " + subject.description(),
        "tokens a second, over off and over the best fixed length of batch 1 above; one request"
            + " after the other; "
            + rounds(cells.getFirst().runs().getFirst().size()));
    List<List<String>> lines = new ArrayList<>();
    lines.add(
        List.of(
            "", "requests", "adaptive over off", "best k", "best over off", "adaptive over best"));
    for (int i = 0; i < cells.size(); i++) {
      MtpCell cell = cells.get(i);
      String name = cell.text().name();
      Spread overOff = cell.speedup(1, 0);
      Spread overBest = cell.speedup(1, 2);
      keep(table, name + ", over off", "x", overOff);
      keep(table, name + ", over best", "x", overBest);
      lines.add(
          List.of(
              name,
              Integer.toString(cell.runs().getFirst().getFirst().requests()),
              overOff.cell(),
              Integer.toString(best.get(i)),
              cell.speedup(2, 0).cell(),
              overBest.cell()));
    }
    Comparison.markdown(sheet, lines);
    sheet.text(
        "aim: never below 0.95 of off. Every run begins anew and knows nothing; what k 0 loses, it"
            + " loses too");
  }

  private static String rounds(int n) {
    return n + (n == 1 ? " round" : " rounds");
  }

  private void keep(String table, String what, String unit, Spread s) {
    sheet.keep(new Figure(table, what, unit, s.median(), s.low(), s.high()));
  }
}
