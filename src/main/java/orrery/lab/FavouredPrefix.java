package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;
import orrery.engine.EngineOptions;
import orrery.events.Event;
import orrery.lab.Rounds.Variant;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache.Eviction;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;

/**
 * What a priority keeps: a system prompt that comes back seldom, among requests over other prefixes
 * that would push it out. In the last third of the run no request asks for it any more, and its
 * pages are lost to the others. One request at a time, so all counts are always the same.
 */
final class FavouredPrefix {
  private static final int PRIORITY = 90;

  private final Subject s;
  private final int requests;
  private final int prefixes;
  private final int tokens; // of each prefix
  private final int every; // the favoured prefix begins each such request
  private final EngineOptions base;

  private FavouredPrefix(Subject s) {
    this.s = s;
    this.requests = s.size(300, 30);
    this.prefixes = s.size(24, 6);
    this.tokens = s.size(128, 32);
    this.every = s.size(16, 5);
    this.base =
        s.options()
            .withKv(
                kv ->
                    kv.withContextLength(s.size(256, 64))
                        .withMaxTotalTokens(s.size(8, 3) * (tokens + 32)))
            .withBatching(b -> b.withMaxRunningRequests(1));
  }

  /** Runs and prints. */
  static void print(Subject s, Sheet sheet) {
    new FavouredPrefix(s).print(sheet);
  }

  private void print(Sheet sheet) {
    List<Variant> variants = new ArrayList<>();
    for (Eviction eviction : new Eviction[] {Eviction.LRU, Eviction.LFU}) {
      EngineOptions radix =
          base.withPrefix(
              p -> p.withPrefixCache(PrefixCacheKind.RADIX).withRadixEvictionPolicy(eviction));
      add(variants, "radix, " + eviction.name().toLowerCase(Locale.ROOT), radix);
    }
    add(
        variants,
        "hash, free queue",
        base.withPrefix(p -> p.withPrefixCache(PrefixCacheKind.HASH)));
    sheet.title(
        "a favoured prefix: " + s.name(),
        String.format(
            Locale.ROOT,
            "%d requests, one at a time; each %dth of the first %d begins with a system prompt of"
                + " %d tokens, the others with one of %d prefixes as long; room for %d tokens",
            requests,
            every,
            last(),
            tokens,
            prefixes,
            base.kv().maxTotalTokens()));
    new Comparison("a favoured prefix, " + s.name())
        .column("system prompt: hits, %", t -> hits(t, this::favoured))
        .column("others: hits, %", t -> hits(t, i -> i < last() && !favoured(i)))
        .column("others, later: hits, %", t -> hits(t, i -> i >= last()))
        .column("prefill rows", Trace::prefillRows)
        .print(sheet, PrefixLab.once(variants));
  }

  private void add(List<Variant> variants, String name, EngineOptions options) {
    List<Job> silent = jobs(RetentionConfig.NONE);
    Retention high = new Retention(PRIORITY);
    List<Job> saying =
        jobs(new RetentionConfig(List.of(TokenRange.of(0, tokens, high)), Optional.empty()));
    variants.add(new Variant(name, () -> Session.run(s.loaded(), options, silent)));
    variants.add(
        new Variant(
            name + ", priority " + PRIORITY, () -> Session.run(s.loaded(), options, saying)));
  }

  /** From this request on, none begins with the favoured prefix. */
  private int last() {
    return requests * 2 / 3;
  }

  private boolean favoured(int request) {
    return request % every == 0 && request < last();
  }

  /**
   * @param kept what the requests that begin with the favoured prefix say about its blocks
   */
  private List<Job> jobs(RetentionConfig kept) {
    Draw draw = s.draw();
    int[] system = draw.tokens(tokens);
    List<int[]> others = new ArrayList<>();
    for (int i = 0; i < prefixes; i++) {
      others.add(draw.tokens(tokens));
    }
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      int[] other = others.get(draw.zipf(prefixes));
      jobs.add(
          favoured(i)
              ? new Job(draw.behind(system, 8), 4, 4).with(kept)
              : new Job(draw.behind(other, 8), 4, 4));
    }
    return jobs;
  }

  /** Of 100 prompt tokens of some requests, those that came from the prefix cache. */
  private static double hits(Trace t, IntPredicate of) {
    double hits =
        t.all(Event.Admitted.class).stream()
            .filter(a -> of.test(a.request()))
            .mapToInt(Event.Admitted::hit)
            .sum();
    double all =
        t.all(Event.Submitted.class).stream()
            .filter(e -> of.test(e.request()))
            .mapToInt(Event.Submitted::promptTokens)
            .sum();
    return 100 * hits / all;
  }
}
