package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.events.Event.StepDone;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.prefix.PrefixCacheKind;

/**
 * The schedulers of three engines, and static batching, in tight memory: how many requests does
 * each admit, without knowing how long their answers get?
 */
final class PoliciesLab implements Lab.Experiment {
  private static final double[] CONSERVATIVENESS = {0.3, 1, 1.3};

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Job> jobs = jobs(s);
    EngineOptions base =
        s.options()
            .withBatching(b -> b.withMaxRunningRequests(s.size(48, 6)))
            .withKv(
                kv -> kv.withContextLength(s.size(640, 80)).withMaxTotalTokens(s.size(4096, 96)))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX));
    List<Variant> variants = new ArrayList<>();
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      String name = policy.name().toLowerCase(Locale.ROOT).replace('_', '-');
      boolean sglang = policy == SchedulePolicy.SGLANG;
      variants.add(
          variant(
              s,
              sglang ? "sglang, fcfs" : name,
              base.withBatching(b -> b.withSchedulePolicy(policy)),
              jobs));
      if (sglang) {
        variants.add(
            variant(
                s,
                "sglang, lpm",
                base.withBatching(b -> b.withSchedulePolicy(policy).withLpm(true)),
                jobs));
      }
    }
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    sheet.title(
        "policies: " + s.description(),
        base.kv().maxTotalTokens() + " tokens of KV cache, radix; " + Draw.lengths(jobs));
    table("policies, " + s.name()).print(sheet, all);
    conservativeness(s, sheet, base, jobs);
    return List.of(chart(s, all));
  }

  /** Every other prompt begins with one of four prefixes. */
  private static List<Job> jobs(Subject s) {
    Draw draw = s.draw();
    int page = 16;
    List<int[]> prefixes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      prefixes.add(draw.tokens(s.size(4, 1) * page));
    }
    List<Job> jobs = new ArrayList<>();
    for (Job job :
        draw.jobs(s.size(96, 10), s.size(16, 4), s.size(64, 8), s.size(120, 8), s.size(256, 40))) {
      int[] prompt = job.prompt();
      if (jobs.size() % 2 == 0) {
        prompt = draw.behind(prefixes.get(draw.between(0, 3)), prompt.length);
      }
      jobs.add(new Job(prompt, job.length(), job.limit()));
    }
    return jobs;
  }

  private static void conservativeness(Subject s, Sheet sheet, EngineOptions base, List<Job> jobs) {
    Draw draw = s.draw();
    List<Job> longer =
        jobs.stream()
            .map(j -> new Job(j.prompt(), draw.between(j.limit() / 2, j.limit()), j.limit()))
            .toList();
    List<Variant> variants = new ArrayList<>();
    for (double c : CONSERVATIVENESS) {
      variants.add(
          variant(
              s,
              "sglang, conservativeness " + c,
              base.withBatching(b -> b.withScheduleConservativeness(c)),
              longer));
    }
    sheet.title(
        "conservativeness: " + s.description(),
        "the same prompts, but "
            + Draw.lengths(longer)
            + "; how much of max_tokens the sglang policy expects to be used at first");
    table("conservativeness, " + s.name())
        .print(sheet, Rounds.run(s.settings(), s.settings().rounds(), variants));
  }

  private static Comparison table(String name) {
    return new Comparison(name)
        .column("tok/s", Trace::tokensPerSecond)
        .column("TTFT, ms", Trace::meanTtft)
        .column("TTFT, most", Trace::mostTtft)
        .column("running, mean", Trace::meanRunning)
        .column("retractions", Trace::retractions)
        .column("tokens lost", Trace::lostTokens)
        .column("recomputed", Trace::recomputedTokens)
        .column("hits, %", Trace::hitPercent)
        .column("pages in use, %", Trace::pagesPercent);
  }

  private static Variant variant(Subject s, String name, EngineOptions with, List<Job> jobs) {
    EngineOptions options = with;
    return new Variant(name, () -> Session.run(s.loaded(), options, jobs));
  }

  private static Chart chart(Subject s, List<Series> all) {
    List<Chart.Curve> curves = new ArrayList<>();
    for (Series series : all) {
      List<StepDone> steps = series.typical().steps();
      long start = steps.getFirst().nanos();
      curves.add(
          new Chart.Curve(
              series.name(),
              Chart.Style.LINE,
              steps.stream().mapToDouble(d -> (d.nanos() - start) / 1e6).toArray(),
              steps.stream().mapToDouble(Trace::pagesPercent).toArray()));
    }
    return new Chart(
        "Pages in use: a place for every max_tokens leaves memory idle",
        s.description(),
        new Chart.Axis("time, ms", false),
        new Chart.Axis("pages in use, %", false),
        curves);
  }
}
