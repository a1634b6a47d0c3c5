package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache.Eviction;

/**
 * The rows that shared prefixes save, the cost of looking for them, which pages to evict first, and
 * what a priority keeps.
 */
final class PrefixLab implements Lab.Experiment {
  private static final int PAIRS = 30;

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    Chart chart = shared(s, sheet);
    unique(s, sheet);
    eviction(s, sheet, false);
    eviction(s, sheet, true);
    FavouredPrefix.print(s, sheet);
    order(s, sheet);
    return List.of(chart);
  }

  private static List<Variant> caches(Subject s, EngineOptions base, List<Job> jobs) {
    List<Variant> variants = new ArrayList<>();
    for (PrefixCacheKind choice : PrefixCacheKind.values()) {
      EngineOptions options = base.withPrefix(p -> p.withPrefixCache(choice));
      variants.add(
          new Variant(
              choice.name().toLowerCase(Locale.ROOT),
              () -> Session.run(s.loaded(), options, jobs)));
    }
    return variants;
  }

  private static Chart shared(Subject s, Sheet sheet) {
    Draw draw = s.draw();
    int[] prefix = draw.tokens(s.size(512, 64));
    int answer = s.size(16, 3);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < s.size(32, 5); i++) {
      jobs.add(
          new Job(draw.behind(prefix, draw.between(s.size(16, 2), s.size(48, 6))), answer, answer));
    }
    EngineOptions base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(1024, 128))
                        .withMaxTotalTokens(jobs.size() * s.size(640, 96)))
            .withBatching(b -> b.withMaxRunningRequests(jobs.size()));
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), caches(s, base, jobs));
    sheet.title(
        "shared prefix: " + s.description(),
        jobs.size() + " requests that share " + prefix.length + " tokens arrive at once");
    Comparison table =
        new Comparison("shared prefix, " + s.name())
            .column("prefill rows", Trace::prefillRows)
            .column("hits, %", Trace::hitPercent)
            .column("TTFT, ms", Trace::meanTtft)
            .column("all done, ms", t -> t.seconds() * 1e3);
    table.print(sheet, all);
    Series off = all.getFirst();
    for (Series on : all.subList(1, all.size())) {
      table.ratio(sheet, "prefill rows", off, on, Trace::prefillRows, "4");
      table.ratio(sheet, "TTFT", off, on, Trace::meanTtft, "more than 1");
    }
    return chart(s, all);
  }

  private static Chart chart(Subject s, List<Series> all) {
    List<Chart.Curve> curves = new ArrayList<>();
    for (Series series : all) {
      double[] ttft = series.typical().ttft();
      double[] n = new double[ttft.length];
      Arrays.setAll(n, i -> i + 1);
      curves.add(
          new Chart.Curve(
              series.name(),
              series.name().equals("hash") ? Chart.Style.DASHED : Chart.Style.LINE,
              ttft,
              n));
    }
    return new Chart(
        "Requests with a shared prefix: how many have their first token",
        s.description(),
        new Chart.Axis("ms after all arrived", false),
        new Chart.Axis("requests with a first token", false),
        curves);
  }

  /** Prompts without shared prefixes: only the cost of the cache is left. */
  private static void unique(Subject s, Sheet sheet) {
    Draw draw = s.draw();
    int answer = s.size(16, 3);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < s.size(16, 3); i++) {
      jobs.add(new Job(draw.tokens(draw.between(s.size(64, 16), s.size(256, 40))), answer, answer));
    }
    EngineOptions base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(512, 64))
                        .withMaxTotalTokens(jobs.size() * s.size(320, 64)))
            .withBatching(b -> b.withMaxRunningRequests(jobs.size()));
    int pairs = Math.max(PAIRS, s.settings().rounds());
    List<Series> all = Rounds.run(s.settings(), pairs, caches(s, base, jobs));
    sheet.title(
        "unique prompts: " + s.description(),
        jobs.size() + " requests that share nothing, " + all.getFirst().traces().size() + " pairs");
    Comparison table =
        new Comparison("unique prompts, " + s.name())
            .column("hits, %", Trace::hitPercent)
            .column("all done, ms", t -> t.seconds() * 1e3);
    table.print(sheet, all);
    for (Series on : all.subList(1, all.size())) {
      double[] ratios = on.over(all.getFirst(), Trace::seconds);
      double median = Spread.of(ratios).median();
      double bound = Spread.upperBound(ratios, s.settings().seed());
      String what = on.name() + " over off: overhead";
      sheet.keep(new Figure("unique prompts, " + s.name(), what, "%", 100 * (median - 1), 0, 0));
      sheet.keep(
          new Figure(
              "unique prompts, " + s.name(),
              what + ", 95 % upper bound",
              "%",
              100 * (bound - 1),
              0,
              0));
      sheet.text(
          String.format(
              Locale.ROOT,
              "%s %.1f %%, 95 %% upper bound of the median %.1f %% (aim: 5)",
              what,
              100 * (median - 1),
              100 * (bound - 1)));
    }
  }

  /** One request at a time, with a cache too small for all prefixes; counts only. */
  private static void eviction(Subject s, Sheet sheet, boolean moving) {
    int prefixTokens = s.size(128, 32);
    List<Job> jobs = zipf(s, s.size(300, 20), s.size(24, 6), prefixTokens, moving);
    EngineOptions base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(256, 64))
                        .withMaxTotalTokens(s.size(8, 3) * (prefixTokens + 32)))
            .withBatching(b -> b.withMaxRunningRequests(1))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX));
    List<Variant> variants = new ArrayList<>();
    for (Eviction eviction : Eviction.values()) {
      EngineOptions options = base.withPrefix(p -> p.withRadixEvictionPolicy(eviction));
      variants.add(
          new Variant(
              "radix, " + eviction.name().toLowerCase(Locale.ROOT),
              () -> Session.run(s.loaded(), options, jobs)));
    }
    EngineOptions hash = base.withPrefix(p -> p.withPrefixCache(PrefixCacheKind.HASH));
    variants.add(new Variant("hash, free queue", () -> Session.run(s.loaded(), hash, jobs)));
    String trace = moving ? "Zipf, favourites change" : "Zipf";
    sheet.title(
        "eviction, " + trace + ": " + s.name(),
        String.format(
            Locale.ROOT,
            "%d requests, one at a time, over %d prefixes of %d tokens; room for %d tokens",
            jobs.size(),
            s.size(24, 6),
            prefixTokens,
            base.kv().maxTotalTokens()));
    new Comparison("eviction, " + trace + ", " + s.name())
        .column("hits, %", Trace::hitPercent)
        .column("prefill rows", Trace::prefillRows)
        .print(sheet, once(variants));
  }

  /**
   * Requests over some prefixes, drawn by Zipf's law. Rank r is prefix r; if favourites change, the
   * ranks are reversed in the second half of the requests.
   */
  static List<Job> zipf(Subject s, int n, int prefixes, int tokens, boolean moving) {
    Draw draw = s.draw();
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < prefixes; i++) {
      all.add(draw.tokens(tokens));
    }
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      int rank = draw.zipf(prefixes);
      int prefix = moving && i >= n / 2 ? prefixes - 1 - rank : rank;
      jobs.add(new Job(draw.behind(all.get(prefix), 8), 4, 4));
    }
    return jobs;
  }

  /** Runs each variant once: the counts of requests that run one at a time are always the same. */
  static List<Series> once(List<Variant> variants) {
    return variants.stream().map(v -> new Series(v.name(), List.of(v.run().apply(0)))).toList();
  }

  private static void order(Subject s, Sheet sheet) {
    int prefixTokens = s.size(128, 32);
    List<Job> jobs = zipf(s, s.size(96, 12), s.size(12, 4), prefixTokens, false);
    EngineOptions base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(256, 64))
                        .withMaxTotalTokens(s.size(8, 4) * (prefixTokens + 32)))
            .withBatching(b -> b.withMaxRunningRequests(s.size(4, 2)))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX));
    EngineOptions lpm = base.withBatching(b -> b.withLpm(true));
    List<Series> all =
        Rounds.run(
            s.settings(),
            s.settings().rounds(),
            List.of(
                new Variant("fcfs", () -> Session.run(s.loaded(), base, jobs)),
                new Variant("lpm", () -> Session.run(s.loaded(), lpm, jobs))));
    sheet.title(
        "order of the queue: " + s.description(),
        jobs.size() + " requests over " + s.size(12, 4) + " prefixes wait at once, little room");
    new Comparison("order, " + s.name())
        .column("hits, %", Trace::hitPercent)
        .column("prefill rows", Trace::prefillRows)
        .column("tok/s", Trace::tokensPerSecond)
        .column("TTFT, ms", Trace::meanTtft)
        .column("TTFT, most", Trace::mostTtft)
        .print(sheet, all);
  }
}
