package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.prefix.PrefixCacheKind;

/**
 * The time to the first token behind a prefix, by where the prefix lies. All variants of a length
 * run the same requests, one at a time; only the switches differ, and the order of the requests for
 * what is still in the pages:
 *
 * <pre>
 *   computed, L2, L3   P  other  P  other  P    other: as long as the KV cache, pushes P out of it
 *   L1                 other  other  P  P  P
 *                                          └ measured; all before it makes the engine's buffers,
 *                                            programs and pages warm, in the same way
 * </pre>
 */
final class TierTimes {
  /** Where the prefix lies. */
  private enum Tier {
    COMPUTED("computed"),
    L1("L1, pages"),
    L2("L2, host"),
    /** Files that the system has in its cache, since they were just written. */
    L3("L3, files"),
    /** Files that the system has dropped from its cache. */
    DISK("L3, disk");

    final String title;

    Tier(String title) {
      this.title = title;
    }

    boolean files() {
      return this == L3 || this == DISK;
    }

    /** Of host memory, as a multiple of the KV cache: what pushes a prefix out of the pages… */
    double ratio() {
      return files() ? 1 : 4; // … pushes it out of host memory too, or leaves it there
    }
  }

  /** One tier at one length. */
  private record Cell(Tier tier, int prefix, Series series) {
    Spread ttft() {
      return series.of(Trace::meanTtft); // of one request
    }
  }

  private static final int TAIL = 16; // tokens behind the prefix, of each prompt another
  private static final int ANSWER = 4;

  private final Subject s;
  private final List<Integer> prefixes;
  private final int room; // tokens of the KV cache
  private double cached; // most of what the system still had of files that it was to drop, of 1

  TierTimes(Subject s, List<Integer> prefixes) {
    this.s = s;
    this.prefixes = prefixes;
    var kv = s.options().kv();
    int page = s.loaded().model().kvLayout(false, kv.kvCacheDtype()).wholeRows(kv.pageSize());
    this.room = Math.ceilDiv(tokens(prefixes.getLast()), page) * page;
  }

  /** Tokens of a request with such a prefix. */
  static int tokens(int prefix) {
    return prefix + TAIL + ANSWER;
  }

  Chart print(Sheet sheet) {
    List<Variant> variants = new ArrayList<>(); // tiers of a length are neighbours
    for (int prefix : prefixes) {
      for (Tier tier : Tier.values()) {
        variants.add(variant(tier, prefix));
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

  private Variant variant(Tier tier, int prefix) {
    Draw draw = s.draw();
    int[] shared = draw.tokens(prefix);
    List<Job> behind = Stream.generate(() -> job(draw.behind(shared, TAIL))).limit(3).toList();
    List<Job> other = Stream.generate(() -> job(draw.tokens(room - ANSWER))).limit(2).toList();
    List<Job> before = new ArrayList<>(other);
    before.add(tier == Tier.L1 ? 2 : 0, behind.get(0));
    before.add(tier == Tier.L1 ? 3 : 2, behind.get(1));
    EngineOptions options =
        s.options()
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX))
            .withKv(kv -> kv.withContextLength(room).withMaxTotalTokens(room))
            .withBatching(b -> b.withMaxRunningRequests(1))
            .withOffload(
                o ->
                    o.withEnableHierarchicalCache(tier == Tier.L2 || tier.files())
                        .withHicacheRatio(tier.ratio()));
    Job measured = behind.get(2);
    return new Variant(
        tier.title + ", " + prefix,
        () ->
            tier.files()
                ? files(options, tier == Tier.DISK, before, measured)
                : Session.run(s.loaded(), options, before, () -> {}, List.of(measured)));
  }

  /** Runs with files in a directory of its own, which the system drops before the last request. */
  private Trace files(EngineOptions options, boolean drop, List<Job> before, Job measured) {
    try (TemporaryDirectory directory = TemporaryDirectory.create("orrery-tiers")) {
      EngineOptions files =
          options.withOffload(
              o ->
                  o.withHicacheStorageBackend(StorageBackend.FILE)
                      .withHicacheStorageDir(directory.path().toString())
                      .withHicacheStoragePrefetchPolicy(PrefetchPolicy.WAIT_COMPLETE)
                      .withHicacheStoragePrefetchThreshold(1));
      Runnable between =
          () -> {
            if (drop) {
              cached = Math.max(cached, PageCache.drop(directory.path()));
            }
          };
      return Session.run(s.loaded(), files, before, between, List.of(measured));
    }
  }

  private static Job job(int[] prompt) {
    return new Job(prompt, ANSWER, ANSWER);
  }

  private static List<Cell> of(Tier tier, List<Cell> cells) {
    return cells.stream().filter(c -> c.tier == tier).toList();
  }

  private void times(Sheet sheet, List<Cell> cells) {
    sheet.title(
        "time to first token: " + s.description(),
        "ms, by where the prefix lies; " + TAIL + " tokens behind it are computed");
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
        cached == 0
            ? "the system has dropped all files before they were read from the disk"
            : String.format(
                Locale.ROOT, "the system had still up to %.0f %% of the dropped files", 100 * cached));
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
        .print(
            sheet,
            loaded(cells, Tier.L2));
    sheet.title(
        "reads of files: " + s.description(),
        "before the request may start, its rows come from files to the host");
    new Comparison("reads, " + s.name())
        .column("tokens", TierFigures::fileTokens)
        .column("KB", t -> TierFigures.readBytes(t) / 1e3)
        .column("waited, us", t -> TierFigures.fetchNanos(t) / 1e3)
        .column("GB/s", t -> TierFigures.readBytes(t) / TierFigures.fetchNanos(t))
        .print(sheet, loaded(cells, Tier.L3, Tier.DISK));
  }

  /** The runs of some tiers in which something was loaded; a prefix below a block never is. */
  private static List<Series> loaded(List<Cell> cells, Tier... tiers) {
    return cells.stream()
        .filter(c -> List.of(tiers).contains(c.tier))
        .map(Cell::series)
        .filter(series -> TierFigures.loadedBytes(series.traces().getFirst()) > 0)
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
        s.description(),
        new Chart.Axis("tokens of the prefix", true),
        new Chart.Axis("ms", true),
        curves);
  }
}
