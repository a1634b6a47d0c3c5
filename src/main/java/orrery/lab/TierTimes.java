package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.lab.TierRuns.Tier;

/** The time to the first token by where the prefix lies; what was loaded, and read from files. */
final class TierTimes {
  /** One tier at one length. */
  private record Cell(Tier tier, int prefix, Series series) {
    Spread ttft() {
      return series.of(Trace::meanTtft); // of one request
    }
  }

  private final Subject s;
  private final List<Integer> prefixes;
  private final TierRuns runs;

  /**
   * @param prefixes tokens, ascending
   */
  TierTimes(Subject s, List<Integer> prefixes) {
    this.s = s;
    this.prefixes = prefixes;
    this.runs = new TierRuns(s, prefixes.getLast());
  }

  Chart print(Sheet sheet) {
    List<Variant> variants = new ArrayList<>(); // tiers of a length are neighbours
    for (int prefix : prefixes) {
      for (Tier tier : Tier.values()) {
        variants.add(runs.variant(tier, prefix));
      }
    }
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    List<Cell> cells = new ArrayList<>();
    for (int prefix : prefixes) {
      for (Tier tier : Tier.values()) {
        cells.add(new Cell(tier, prefix, all.get(cells.size())));
      }
    }
    times(sheet, cells);
    loads(sheet, cells);
    return chart(cells);
  }

  private static List<Cell> of(Tier tier, List<Cell> cells) {
    return cells.stream().filter(c -> c.tier == tier).toList();
  }

  private void times(Sheet sheet, List<Cell> cells) {
    sheet.title(
        "time to first token: " + s.description(),
        "ms, by where the prefix lies; " + TierRuns.TAIL + " tokens after it are computed");
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("prefix, tokens"));
    Stream.of(Tier.values()).forEach(tier -> head.add(tier.title));
    rows.add(head);
    for (int prefix : prefixes) {
      List<String> row = new ArrayList<>(List.of(Integer.toString(prefix)));
      for (Cell c : cells.stream().filter(c -> c.prefix == prefix).toList()) {
        Spread ttft = c.ttft();
        row.add(ttft.cell());
        keep(sheet, "TTFT", c.series.name(), "ms", ttft);
      }
      rows.add(row);
    }
    Comparison.markdown(sheet, rows);
    for (Tier tier : List.of(Tier.L1, Tier.L2, Tier.L3, Tier.DISK)) {
      sheet.text(tier.title + ": " + breakEven(of(Tier.COMPUTED, cells), of(tier, cells)));
    }
    sheet.text(
        runs.cached() == 0
            ? "the system has dropped all files before they were read from the disk"
            : String.format(
                Locale.ROOT,
                "the system had still up to %.0f %% of the dropped files",
                100 * runs.cached()));
  }

  /** From which of the measured lengths on a tier is faster than computing, at all of them. */
  private static String breakEven(List<Cell> computed, List<Cell> tier) {
    int from = tier.size();
    while (from > 0 && ratio(computed.get(from - 1), tier.get(from - 1)).median() > 1) {
      from--;
    }
    if (from == tier.size()) {
      return "not faster than computing, at the longest prefix";
    }
    return String.format(
        Locale.ROOT,
        "faster than computing from %d tokens on; %sx at %d",
        tier.get(from).prefix,
        ratio(computed.getLast(), tier.getLast()).cell(),
        tier.getLast().prefix);
  }

  private static Spread ratio(Cell computed, Cell tier) {
    return Spread.of(computed.series.over(tier.series, Trace::meanTtft));
  }

  /** What came from host memory, and what of this time the step computed. */
  private void loads(Sheet sheet, List<Cell> cells) {
    sheet.title(
        "loads from the host: " + s.description(),
        "overlap: the share of the loading in which the step did not wait for rows");
    new Comparison("loads, " + s.name())
        .column("tokens", TierFigures::hostTokens)
        .column("KB", t -> TierFigures.loadedBytes(t) / 1e3)
        .column("load, us", t -> TierFigures.loadNanos(t) / 1e3)
        .column("GB/s", TierFigures::loadRate)
        .column("waited, us", t -> TierFigures.waitedNanos(t) / 1e3)
        .column("overlap, %", TierFigures::overlapPercent)
        .print(sheet, moved(cells, TierFigures::loadedBytes, Tier.L2));
    sheet.title(
        "reads of files: " + s.description(),
        "before the request may start, its rows come from files to the host");
    new Comparison("reads, " + s.name())
        .column("tokens", TierFigures::fileTokens)
        .column("KB", t -> TierFigures.readBytes(t) / 1e3)
        .column("waited, us", t -> TierFigures.fetchNanos(t) / 1e3)
        .column("GB/s", t -> TierFigures.readBytes(t) / TierFigures.fetchNanos(t))
        .print(sheet, moved(cells, TierFigures::readBytes, Tier.L3, Tier.DISK));
  }

  /** The runs of some tiers in which something moved; a prefix shorter than a block never does. */
  private static List<Series> moved(
      List<Cell> cells, ToDoubleFunction<Trace> moved, Tier... tiers) {
    return cells.stream()
        .filter(c -> List.of(tiers).contains(c.tier))
        .map(Cell::series)
        .filter(series -> series.traces().stream().allMatch(t -> moved.applyAsDouble(t) > 0))
        .toList();
  }

  private void keep(Sheet sheet, String table, String what, String unit, Spread v) {
    sheet.keep(new Figure(table + ", " + s.name(), what, unit, v.median(), v.low(), v.high()));
  }

  private Chart chart(List<Cell> cells) {
    List<Chart.Curve> curves = new ArrayList<>();
    for (Tier tier : Tier.values()) {
      List<Cell> own = of(tier, cells);
      curves.add(
          new Chart.Curve(
              tier.title,
              Chart.Style.LINE,
              own.stream().mapToDouble(Cell::prefix).toArray(),
              own.stream().mapToDouble(c -> c.ttft().median()).toArray()));
    }
    return new Chart(
        "Time to the first token, by where the prefix lies",
        s.description() + "; the " + TierRuns.TAIL + " tokens behind the prefix are computed",
        new Chart.Axis("tokens of the prefix", true),
        new Chart.Axis("ms to the first token", true),
        curves);
  }
}
