package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCacheKind;

/** When to copy blocks to host memory: what each policy keeps, and what it costs. */
final class WritePolicies {
  private WritePolicies() {}

  private static List<Variant> variants(Subject s, EngineOptions base, List<Job> jobs) {
    List<Variant> variants = new ArrayList<>();
    variants.add(new Variant("off", () -> Session.run(s.loaded(), base, jobs)));
    for (WritePolicy policy : WritePolicy.values()) {
      EngineOptions options =
          base.withOffload(o -> o.withEnableHierarchicalCache(true).withHicacheWritePolicy(policy));
      variants.add(
          new Variant(
              policy.name().toLowerCase(Locale.ROOT).replace('_', '-'),
              () -> Session.run(s.loaded(), options, jobs)));
    }
    return variants;
  }

  /** One request at a time, over more prefixes than fit into the KV cache. */
  static void keep(Subject s, Sheet sheet) {
    int tokens = s.size(128, 32);
    int prefixes = s.size(24, 6);
    List<Job> jobs = PrefixLab.zipf(s, s.size(300, 20), prefixes, tokens, false);
    EngineOptions base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(256, 64))
                        .withMaxTotalTokens(s.size(8, 2) * (tokens + 32)))
            .withBatching(b -> b.withMaxRunningRequests(1))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX));
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants(s, base, jobs));
    sheet.title(
        "policies of writing: " + s.description(),
        String.format(
            Locale.ROOT,
            "%d requests, one at a time, over %d prefixes of %d tokens, drawn by Zipf's law; pages"
                + " for %d tokens, host memory for %s times as many",
            jobs.size(),
            prefixes,
            tokens,
            base.kv().maxTotalTokens(),
            Sheet.number(base.offload().hicacheRatio())));
    Comparison table =
        new Comparison("policies of writing, " + s.name())
            .column("hits, %", Trace::hitPercent)
            .column("from the host, %", TierFigures::hostPercent)
            .column("prefill rows", Trace::prefillRows)
            .column("stored, MB", t -> TierFigures.storedBytes(t) / 1e6)
            .column("loaded, MB", t -> TierFigures.loadedBytes(t) / 1e6)
            .column("all done, ms", t -> t.seconds() * 1e3);
    table.print(sheet, all);
    for (Series on : all.subList(1, all.size())) {
      table.ratio(sheet, "all done", all.getFirst(), on, Trace::seconds, "");
    }
  }

  /** Answers that go on while one prompt after another comes, computes, and is written. */
  static void cost(Subject s, Sheet sheet) {
    Draw draw = s.draw();
    int answers = s.size(8, 2);
    int length = s.size(256, 24);
    int prompts = s.size(32, 8);
    int prompt = s.size(128, 32);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < answers + prompts; i++) {
      boolean answer = i < answers;
      jobs.add(
          new Job(draw.tokens(answer ? 16 : prompt), answer ? length : 1, answer ? length : 1));
    }
    EngineOptions base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(512, 64))
                        .withMaxTotalTokens(answers * s.size(288, 48) + 4 * prompt))
            .withBatching(b -> b.withMaxRunningRequests(answers + 1))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX));
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants(s, base, jobs));
    sheet.title(
        "decoding beside writes: " + s.description(),
        String.format(
            Locale.ROOT,
            "%d answers of %d tokens; meanwhile %d prompts of %d tokens come, one after another,"
                + " and push each other out of the pages",
            answers,
            length,
            prompts,
            prompt));
    Comparison table =
        new Comparison("decoding beside writes, " + s.name())
            .column("stored, MB", t -> TierFigures.storedBytes(t) / 1e6)
            .column("by the engine's thread, %", TierFigures::forcedPercent)
            .column("gap, median ms", t -> Spread.quantile(TierFigures.gaps(t, answers), 0.5))
            .column("gap, 99 %", t -> Spread.quantile(TierFigures.gaps(t, answers), 0.99))
            .column("tok/s", Trace::tokensPerSecond);
    table.print(sheet, all);
    for (Series on : all.subList(1, all.size())) {
      table.ratio(sheet, "tok/s", on, all.getFirst(), Trace::tokensPerSecond, "");
    }
  }
}
