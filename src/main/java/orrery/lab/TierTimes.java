package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.prefix.PrefixCacheKind;

/**
 * The time to the first token behind a prefix P, by where the prefix lies. Requests come one at a
 * time; the last one is measured. All before it makes the engine's buffers and programs warm.
 *
 * <pre>
 *   computed   P  other  P  other  P       other: as long as the KV cache, pushes P out of it
 *   L1         other  other  P  P  P
 *   L2         P  other  P  other  P       with host memory
 *   L3         P  Q  other, the engine ends │ another engine:  Q  other  P
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
  }

  /** One tier at one length. */
  private record Cell(Tier tier, int prefix, Series series) {
    Spread ttft() {
      return series.of(Trace::meanTtft); // of one request
    }
  }

  private static final int TAIL = 16; // tokens behind the prefix, of each prompt another
  private static final int ANSWER = 4;
  private static final double HOST_RATIO = 4; // host memory has room for all prompts of a run

  private final Subject s;
  private final List<Integer> prefixes;
  private final int room; // tokens of the KV cache
  private final EngineOptions options; // without tiers
  private double cached; // most of what the system still had of files that it was to drop, of 1

  TierTimes(Subject s, List<Integer> prefixes) {
    this.s = s;
    this.prefixes = prefixes;
    var kv = s.options().kv();
    int page = s.loaded().model().kvLayout(false, kv.kvCacheDtype()).wholeRows(kv.pageSize());
    this.room = Math.ceilDiv(tokens(prefixes.getLast()), page) * page;
    this.options =
        s.options()
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX))
            .withKv(k -> k.withContextLength(room).withMaxTotalTokens(room))
            .withBatching(b -> b.withMaxRunningRequests(1));
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
    List<Job> p = behind(draw, prefix);
    List<Job> q = behind(draw, prefix);
    List<Job> other = Stream.generate(() -> job(draw.tokens(room - ANSWER))).limit(2).toList();
    List<Job> pushed = List.of(p.get(0), other.get(0), p.get(1), other.get(1));
    List<Job> kept = List.of(other.get(0), other.get(1), p.get(0), p.get(1));
    List<Job> measured = List.of(p.get(2));
    return new Variant(
        tier.title + ", " + prefix,
        () ->
            switch (tier) {
              case COMPUTED -> Session.run(s.loaded(), options, pushed, measured);
              case L1 -> Session.run(s.loaded(), options, kept, measured);
              case L2 -> Session.run(s.loaded(), tiers(), pushed, measured);
              case L3, DISK -> {
                List<Job> before = List.of(q.get(1), other.get(0));
                List<Job> written = List.of(p.get(0), q.get(0), other.get(1));
                yield files(tier == Tier.DISK, written, before, measured);
              }
            });
  }

  /** Requests with the same prefix. */
  private static List<Job> behind(Draw draw, int prefix) {
    int[] shared = draw.tokens(prefix);
    return Stream.generate(() -> job(draw.behind(shared, TAIL))).limit(3).toList();
  }

  private EngineOptions tiers() {
    return options.withOffload(
        o -> o.withEnableHierarchicalCache(true).withHicacheRatio(HOST_RATIO));
  }

  /**
   * Lets one engine write files and end, and another one find them. What is pushed out of pages is
   * whole on the host, and an engine ends when it has written what is whole there.
   *
   * @param drop whether the system shall read them from the disk
   */
  private Trace files(boolean drop, List<Job> written, List<Job> before, List<Job> measured) {
    try (TemporaryDirectory directory = TemporaryDirectory.create("orrery-tiers")) {
      EngineOptions files =
          tiers()
              .withOffload(
                  o ->
                      o.withHicacheStorageBackend(StorageBackend.FILE)
                          .withHicacheStorageDir(directory.path().toString())
                          .withHicacheStoragePrefetchPolicy(PrefetchPolicy.WAIT_COMPLETE)
                          .withHicacheStoragePrefetchThreshold(1));
      Session.run(s.loaded(), files, written);
      if (drop) {
        cached = Math.max(cached, PageCache.drop(directory.path()));
      }
      return Session.run(s.loaded(), files, before, measured);
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
                Locale.ROOT,
                "the system had still up to %.0f %% of the dropped files",
                100 * cached));
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
        s.description(),
        new Chart.Axis("tokens of the prefix", true),
        new Chart.Axis("ms", true),
        curves);
  }
}
