package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.kv.KvDtype;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * A rung of the ladder from a naive engine to one with every technique: one switch more than the
 * rung before. Capture is one switch with two techniques: a captured program runs in regions.
 *
 * @param name what the rung adds
 * @param change the switch
 * @param aside whether later rungs are without it
 * @param fp8 whether the weights are those of the FP8 copy
 */
record Rung(String name, UnaryOperator<EngineOptions> change, boolean aside, boolean fp8) {
  static final String NAIVE = "naive";
  private static final int PAGE = 16; // tokens
  private static final int CHUNK = 128; // rows
  static final int DRAFTS = 3; // as in most recipes of the published measurement

  /**
   * Every rung in order; that of drafts is the last. A new technique is a line here, and its
   * opposite a line of the naive.
   */
  static List<Rung> all() {
    return List.of(
        rung(NAIVE, Rung::naive),
        rung("+ paging", o -> o.withKv(kv -> kv.withPageSize(PAGE))),
        rung("+ continuous batching", Rung::continuous),
        rung("+ mixed chunks", Rung::chunked),
        rung("+ capture", o -> o.withCompute(c -> c.withGraph(true))),
        rung("+ fusion", o -> o.withCompute(c -> c.withFusion(true))),
        new Rung("+ overlap, aside", o -> o.withCompute(c -> c.withOverlap(true)), true, false),
        rung("+ bf16 KV", o -> o.withKv(kv -> kv.withKvCacheDtype(KvDtype.BF16))),
        new Rung("+ FP8 weights, aside", o -> o, true, true),
        rung("+ MTP", Rung::drafted));
  }

  private static Rung rung(String name, UnaryOperator<EngineOptions> change) {
    return new Rung(name, change, false, false);
  }

  /** Static batches of whole prompts, a piece of memory for each request, every op launched. */
  private static EngineOptions naive(EngineOptions o) {
    return o.withKv(kv -> kv.withPageSize(0))
        .withCompute(c -> c.withGraph(false).withFusion(false).withOverlap(false))
        .withBatching(
            b ->
                b.withSchedulePolicy(SchedulePolicy.STATIC)
                    .withChunkedPrefillSize(0)
                    .withEnableMixedChunk(false));
  }

  private static EngineOptions continuous(EngineOptions o) {
    return o.withBatching(b -> b.withSchedulePolicy(SchedulePolicy.SGLANG));
  }

  private static EngineOptions chunked(EngineOptions o) {
    return o.withBatching(b -> b.withChunkedPrefillSize(CHUNK).withEnableMixedChunk(true));
  }

  /** Drafts of the MTP layer. */
  static EngineOptions drafted(EngineOptions o) {
    return o.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(DRAFTS));
  }

  /** The options of each rung, [rungs]: all changes up to it, but for those aside. */
  static List<EngineOptions> climb(EngineOptions base) {
    List<EngineOptions> all = new ArrayList<>();
    EngineOptions standing = base;
    for (Rung rung : all()) {
      EngineOptions here = rung.change.apply(standing);
      all.add(here);
      standing = rung.aside ? standing : here;
    }
    return all;
  }
}
