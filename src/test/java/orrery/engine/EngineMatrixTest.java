package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.AllCores;
import orrery.FileTrees;
import orrery.engine.SwitchCell.PolicyVariant;
import orrery.engine.SwitchCell.Speculation;
import orrery.engine.SwitchCell.Windows;
import orrery.events.EventSink;
import orrery.kernels.KernelSet;
import orrery.model.Model;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache;
import orrery.sampling.FinishReason;
import orrery.speculation.SpeculationOptions.Algorithm;
import orrery.text.Tokenizer;

/**
 * The strongest test of the house. It runs random request sets under combinations of all switches:
 * any three values of any three switches are together in at least one combination. Each run gives
 * the same tokens, the same log-probabilities of answers and prompts to the bit and the same text
 * as an oracle of plain loops ({@link orrery.Oracle}), which has no cache, no batch and no
 * schedule. Each combination also shows that its switches had an effect.
 */
@Timeout(value = 3600, threadMode = ThreadMode.SEPARATE_THREAD)
class EngineMatrixTest {
  private static final int CONTEXT = 96;
  private static final int WAVE = 8;
  private static final int KEYFRAMES = 8; // steps from one to the next

  @Test
  void everyCombinationOfSwitchesGivesTheAnswersOfTheNaiveForward() {
    List<Served> models = Served.all(false);
    Map<String, Integer> happened = run(models, SwitchCell.covering(models, 3, 20));
    requireDrafts(happened);
    requireScores(models, happened);
    assertThat(happened).containsKeys("complete texts", "accepted in constrained answers");
    assertThat(happened.get("keyframes")).isGreaterThan(1_000);
    assertThat(happened)
        .containsKeys(
            "hits", "retractions", "forks", "padding rows", "cancelled", "mixed steps SGLANG_MIXED")
        .containsKeys("mixed steps VLLM", "mixed steps TRTLLM", "mixed steps TRTLLM_MAX")
        .containsKeys("refusals WINDOWS, tight");
    models.stream().filter(Served::windows).forEach(model -> requireWindows(model, happened));
    requireTiers(models, happened);
    requireHisparse(models, happened);
  }

  /** Entries lay in device buffers, came from the host and left their slots, in every way. */
  private static void requireHisparse(List<Served> models, Map<String, Integer> happened) {
    assertThat(models.stream().filter(Served::indexes)).isNotEmpty();
    for (Served model : models.stream().filter(Served::indexes).toList()) {
      assertThat(happened)
          .containsKeys("entries in buffers " + model, "entries from the host " + model)
          .containsKey("entries that left a buffer " + model);
    }
    for (Speculation s : Speculation.values()) {
      assertThat(happened).containsKey("entries from the host " + s);
    }
    for (PrefixCacheKind prefix : PrefixCacheKind.values()) {
      assertThat(happened).containsKey("entries from the host " + prefix);
    }
    assertThat(happened)
        .containsKeys("entries read on the host", "entries from the host while steps overlap")
        .containsKeys("entries from the host behind loads", "entries from the host behind forks")
        .containsKeys("entries from the host behind retractions");
  }

  /** Rows left the pages, and came back from host memory, in every way. */
  private static void requireTiers(List<Served> models, Map<String, Integer> happened) {
    for (Served model : models) {
      assertThat(happened).containsKeys("stores " + model, "host evictions " + model);
      assertThat(happened).containsKey("loads " + model);
      assertThat(happened).containsKeys("writes " + model, "reads " + model);
    }
    for (WritePolicy policy : WritePolicy.values()) {
      assertThat(happened).containsKeys("loads RADIX, " + policy, "loads HASH, " + policy);
    }
    for (PrefetchPolicy policy : PrefetchPolicy.values()) {
      assertThat(happened).containsKey("reads " + policy);
    }
    for (Speculation s : Speculation.values()) {
      assertThat(happened).containsKey("loads " + s);
    }
    for (PolicyVariant policy : PolicyVariant.values()) {
      assertThat(happened).containsKey("loads " + policy);
    }
    assertThat(happened)
        .containsKeys("prefetches that ended: done", "prefetches that ended: started")
        .containsKeys("reads after a restart")
        .containsKeys(
            "loads by retracted sequences", "loads while steps overlap", "forks behind loads");
  }

  /** Every two values of two switches, for each model; four times, in other company. */
  @Test
  void withNumbersOfFewBitsTheAnswersAreThoseOfANaiveForwardWithTheSameNumbers() {
    List<Served> models = Served.all(true);
    List<SwitchCell> cells = new ArrayList<>(SwitchCell.covering(models, 2, 21));
    cells.addAll(SwitchCell.covering(models, 2, 22));
    cells.addAll(SwitchCell.covering(models, 2, 23));
    cells.addAll(SwitchCell.covering(models, 2, 24));
    Map<String, Integer> happened = run(models, cells);
    requireDrafts(happened);
    requireScores(models, happened);
    for (Served model : models) {
      assertThat(happened)
          .containsKeys(
              "accepted " + model,
              "decoded hits " + model,
              "forks " + model,
              "prompts in chunks " + model,
              "retractions " + model);
    }
    models.stream()
        .filter(Served::windows)
        .forEach(m -> assertThat(happened).containsKeys("passed pages " + m, "tombstones " + m));
    requireHisparse(models, happened);
  }

  /**
   * Steps that overlap read copies of page tables, and each copy serves many sequences in turn. The
   * check of cached rows once took a sequence for new because it came in another copy. Then it
   * missed rows of the MTP layer that were only put off, and did not look at some prefix hits.
   */
  @Test
  void rowsThatWerePutOffAreNotMissedInTheCopyOfAPageTable() {
    Map<String, Object> others =
        Map.ofEntries(
            Map.entry("enable-hierarchical-cache", true),
            Map.entry("hicache-write-policy", WritePolicy.WRITE_BACK),
            Map.entry("hicache-storage-backend", StorageBackend.NONE),
            Map.entry("hicache-storage-prefetch-policy", PrefetchPolicy.TIMEOUT),
            Map.entry("enable-hisparse", false),
            Map.entry("hisparse-config", Switch.SMALLEST),
            Map.entry("fusion", false),
            Map.entry("overlap", true),
            Map.entry("radix-eviction-policy", RadixCache.Eviction.LRU),
            Map.entry("speculative-coupled-drafts", false),
            Map.entry("warmup", true));
    List<SwitchCell> cells = new ArrayList<>();
    for (Speculation s :
        List.of(Speculation.MTP_ADAPTIVE, Speculation.MTP_0, Speculation.LAGGARD)) {
      for (int again = 0; again < 3; again++) { // with another set of requests
        cells.add(
            new SwitchCell(
                Served.V4,
                1,
                PolicyVariant.SGLANG,
                7,
                PrefixCacheKind.HASH,
                false,
                Windows.FEW,
                32,
                false,
                1,
                KernelSet.VECTOR,
                true,
                true,
                true,
                true,
                s,
                others));
      }
    }
    run(List.of(Served.V4), cells);
  }

  private static void requireScores(List<Served> models, Map<String, Integer> happened) {
    assertThat(happened).containsKey("scored by retracted sequences");
    for (Served model : models) {
      assertThat(happened).containsKeys("scored prompts " + model, "scored behind hits " + model);
    }
  }

  private static void requireDrafts(Map<String, Integer> happened) {
    for (Speculation s : Speculation.values()) {
      if (s.steps > 0) {
        assertThat(happened).containsKeys("accepted " + s, "rejected " + s);
      }
    }
  }

  /** Runs the cells of some models; returns what happened, and how often. */
  private static Map<String, Integer> run(List<Served> models, List<SwitchCell> cells) {
    long start = System.nanoTime();
    int runs = 0;
    Map<String, Integer> happened = new TreeMap<>();
    Map<String, Integer> impossible = new TreeMap<>();
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"))) {
      Map<Served, List<RequestSet>> sets = sets(models, tokenizer);
      double naive = (System.nanoTime() - start) / 1e9;
      List<Shown> shown =
          AllCores.map(
              IntStream.range(0, cells.size()).boxed().toList(),
              i -> show(cells.get(i), sets.get(cells.get(i).model()), i));
      for (int i = 0; i < cells.size(); i++) {
        SwitchCell cell = cells.get(i);
        Model model = sets.get(cell.model()).getFirst().loaded().model();
        tally(cell, model, shown.get(i).counts(), happened, impossible);
        runs += shown.get(i).runs();
      }
      System.out.printf(
          "switch matrix: %d cells, %d runs, %.1f s (%.1f s of it the naive forward)%n"
              + "  happened:   %s%n  impossible: %s%n",
          cells.size(), runs, (System.nanoTime() - start) / 1e9, naive, happened, impossible);
    }
    return happened;
  }

  /** What the last run of a cell did, and the number of its runs. */
  private record Shown(MatrixCounts counts, int runs) {}

  /**
   * Runs a cell with request sets of its model, until it shows what it should.
   *
   * @param i chooses the first set
   */
  private static Shown show(SwitchCell cell, List<RequestSet> mine, int i) {
    MatrixCounts counts = run(cell, mine.get(i % (mine.size() - 1)), 16);
    int runs = 1;
    while (!cell.shows(counts.decodedHits, counts.retractions) && runs <= 8) {
      // These requests did not show it: try other requests, or a crowd in less or more memory.
      RequestSet other = mine.get((i + runs) % (mine.size() - 1));
      counts = run(cell, cell.tight() ? mine.getLast() : other, 8 * runs);
      runs++;
    }
    return new Shown(counts, runs);
  }

  private static void requireWindows(Served model, Map<String, Integer> happened) {
    assertThat(happened)
        .containsKeys("passed pages " + model, "retractions " + model, "tombstones " + model);
    for (String cache : List.of("RADIX", "HASH")) {
      assertThat(happened)
          .containsKey("forks behind hits " + model + ", " + cache)
          .containsKey("decoded hits " + model + ", " + cache);
    }
    for (int page : model.pages()) {
      assertThat(happened).containsKey("decoded hits " + model + ", P = " + page);
    }
  }

  /** The request sets of each model, the last one a crowd. */
  private static Map<Served, List<RequestSet>> sets(List<Served> models, Tokenizer tokenizer) {
    return models.parallelStream()
        .collect(
            Collectors.toMap(
                model -> model,
                model ->
                    List.of(
                        RequestSet.of(model, tokenizer, 1),
                        RequestSet.of(model, tokenizer, 2),
                        RequestSet.of(model, tokenizer, 3),
                        RequestSet.crowd(model, tokenizer, 4))));
  }

  /**
   * @param spare tokens that tight memory has beyond the longest request
   */
  private static MatrixCounts run(SwitchCell cell, RequestSet set, int spare) {
    Random r = new Random(cell.seed());
    Model model = set.loaded().model();
    MatrixCounts counts = new MatrixCounts(model);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < RequestSet.SIZE; i++) {
      order.add(i);
    }
    if (cell.shuffled()) {
      Collections.shuffle(order, r);
    }
    for (int i = RequestSet.SIZE; i < set.requests().size(); i++) {
      order.add(i); // follow-ups stay last
    }
    List<Request> all = new ArrayList<>();
    for (int i : order) {
      Request q = set.requests().get(i);
      q = cell.priorities() ? q.withPriority(r.nextInt(3)) : q;
      all.add(cell.retained() ? q.withRetention(RandomRetention.of(r, q)) : q);
    }
    LoadedModel watched = SpyModel.spy(set.loaded(), counts::look);
    EngineOptions bare = cell.options(model, CONTEXT, set.longest(), spare);
    Path files = cell.files() ? FileTrees.temporary() : Path.of("none");
    EngineOptions options = bare.withOffload(o -> o.withHicacheStorageDir(files.toString()));
    Drafters drafters = drafters(cell, set, options, r.nextLong());
    FoldedBooks books = new FoldedBooks();
    EventSink both = books.and(counts::see);
    try (Engine engine = Engine.start(watched, options, both, drafters, KEYFRAMES)) {
      // Two waves: at the second one the engine is at work and the cache is filled.
      List<Completion> completions = new ArrayList<>(engine.submit(all.subList(0, WAVE)));
      for (int i = 0; i < WAVE; i++) {
        if (all.get(i).params().constraint().isPresent()) {
          counts.constrained.add(completions.get(i).id());
        }
      }
      Completion victim = cell.cancels() ? engine.submit(set.victim(r.nextLong())) : null;
      completions.get(r.nextInt(WAVE / 2)).join();
      if (victim != null) {
        victim.cancel();
      }
      completions.addAll(engine.submit(all.subList(WAVE, RequestSet.SIZE)));
      for (int i = 0; i < all.size(); i++) {
        if (i == completions.size()) { // all answers that are followed up now are there
          completions.addAll(engine.submit(all.subList(i, i + RequestSet.FOLLOWED)));
        }
        List<Answer> answers = completions.get(i).join();
        assertThat(answers.stream().map(a -> Said.of(a).toString()).toList())
            .as("%s, request %d", cell, order.get(i))
            .isEqualTo(set.expected().get(order.get(i)));
        answers.forEach(counts::see);
        counts.complete += answers.getFirst().finish() instanceof FinishReason.Complete ? 1 : 0;
        // Later follow-ups could hit what the first ones have computed.
        boolean firstFollows = i >= RequestSet.SIZE && i < RequestSet.SIZE + RequestSet.FOLLOWED;
        int decodedFrom = set.decodedFrom().get(order.get(i));
        if (firstFollows && answers.getFirst().cachedTokens() > decodedFrom) {
          counts.decodedHits++;
        }
      }
      if (victim != null) {
        counts.aborted +=
            victim.join().stream().anyMatch(a -> a.finish() instanceof FinishReason.Abort) ? 1 : 0;
      }
      assertThat(engine.kernelName().contains("scalar"))
          .as("%s: %s", cell, engine.kernelName())
          .isEqualTo(cell.kernels() == KernelSet.SCALAR);
    } catch (RequestException e) { // the engine has stopped
      throw new AssertionError(cell + ": " + e.getMessage(), e);
    }
    assertThat(books.difference()).as("%s", cell).isEmpty();
    counts.keyframes = books.compared();
    if (cell.files()) {
      restarted(cell, set, watched, options, all.subList(0, WAVE), order, drafters, counts);
      FileTrees.delete(files);
    }
    return counts;
  }

  /** Another engine finds the files of the first one. */
  private static void restarted(
      SwitchCell cell,
      RequestSet set,
      LoadedModel watched,
      EngineOptions options,
      List<Request> requests,
      List<Integer> order,
      Drafters drafters,
      MatrixCounts counts) {
    counts.restarted = true;
    FoldedBooks books = new FoldedBooks();
    EventSink both = books.and(counts::see);
    try (Engine engine = Engine.start(watched, options, both, drafters, KEYFRAMES)) {
      List<Completion> completions = engine.submit(requests);
      for (int i = 0; i < completions.size(); i++) {
        List<Answer> answers = completions.get(i).join();
        assertThat(answers.stream().map(a -> Said.of(a).toString()).toList())
            .as("%s, request %d after a restart", cell, order.get(i))
            .isEqualTo(set.expected().get(order.get(i)));
      }
    } catch (RequestException e) { // the engine has stopped
      throw new AssertionError(cell + ", restarted: " + e.getMessage(), e);
    }
    assertThat(books.difference()).as("%s, restarted", cell).isEmpty();
  }

  private static Drafters drafters(
      SwitchCell cell, RequestSet set, EngineOptions options, long seed) {
    int vocab = set.loaded().model().vocab();
    return switch (cell.speculation()) {
      case CRAMMER -> (runner, step, cache, sampler) -> new Crammer(set.tokens(), vocab, seed);
      case LAGGARD -> (runner, step, cache, sampler) -> Crammer.late(set.tokens(), vocab, seed);
      default -> Drafters.of(options.speculation(), vocab);
    };
  }

  private static void tally(
      SwitchCell cell,
      Model model,
      MatrixCounts counts,
      Map<String, Integer> happened,
      Map<String, Integer> impossible) {
    if (cell.whyNoHits() != null) {
      assertThat(counts.hits).as("%s: prefix hits", cell).isZero();
      impossible.merge(cell.whyNoHits(), 1, Integer::sum);
    } else if (cell.hitsForSure()) {
      assertThat(counts.decodedHits)
          .as("%s: hits behind decoded tokens", cell)
          .isEqualTo(RequestSet.FOLLOWED);
    }
    if (cell.whyNoRetractions() != null) {
      assertThat(counts.retractions).as("%s: retractions", cell).isZero();
      impossible.merge(cell.whyNoRetractions(), 1, Integer::sum);
    } else if (cell.whyFewRetractions() != null) {
      impossible.merge(cell.whyFewRetractions(), 1, Integer::sum);
    } else {
      assertThat(counts.retractions).as("%s: retractions", cell).isPositive();
    }
    if (cell.pads() != null) {
      assertThat(counts.padding > 0).as("%s: padding", cell).isEqualTo(cell.pads());
    }
    assertThat(counts.mostRunning).as("%s", cell).isLessThanOrEqualTo(cell.maxRunning());
    if (cell.chunk() > 0 && cell.policy() != PolicyVariant.STATIC) {
      assertThat(counts.mostPrefill).as("%s: chunk", cell).isLessThanOrEqualTo(cell.chunk());
    }
    tallyDrafts(cell, cell.whyNoDrafts(model), counts, happened, impossible);
    tallyTiers(cell, counts, happened);
    tallyHisparse(cell, model, counts, happened);
    add(happened, "keyframes", counts.keyframes);
    add(happened, "hits", counts.hits);
    add(happened, "retractions", counts.retractions);
    add(happened, "forks", counts.forks);
    add(happened, "padding rows", counts.padding);
    add(happened, "cancelled", counts.aborted);
    add(happened, "scored prompts " + cell.model(), counts.scored);
    add(happened, "scored behind hits " + cell.model(), counts.scoredBehindHits);
    add(happened, "scored by retracted sequences", counts.scoredRetracted);
    add(happened, "complete texts", counts.complete);
    add(happened, "accepted in constrained answers", counts.acceptedConstrained());
    add(happened, "mixed steps " + cell.policy(), counts.mixed);
    add(happened, "accepted " + cell.model(), counts.accepted);
    add(happened, "decoded hits " + cell.model(), counts.decodedHits);
    add(happened, "forks " + cell.model(), counts.forks);
    add(happened, "prompts in chunks " + cell.model(), counts.chunks);
    add(happened, "retractions " + cell.model(), counts.retractions);
    if (cell.model().windows()) {
      String cache = cell.model() + ", " + cell.prefix();
      add(happened, "decoded hits " + cache, counts.decodedHits);
      add(happened, "decoded hits " + cell.model() + ", P = " + cell.page(), counts.decodedHits);
      add(happened, "forks behind hits " + cache, counts.forksBehindHits);
      add(happened, "passed pages " + cell.model(), counts.passedPages);
      add(happened, "tombstones " + cell.model(), counts.tombstones);
      add(happened, "refusals " + cell.model() + (cell.tight() ? ", tight" : ""), counts.refusals);
    }
  }

  private static void tallyHisparse(
      SwitchCell cell, Model model, MatrixCounts counts, Map<String, Integer> happened) {
    assertThat(counts.written > 0)
        .as("%s: events of entries on the host", cell)
        .isEqualTo(cell.hisparse(model));
    if (cell.hisparse(model) && cell.smallest() && cell.speculation().steps == 0) {
      assertThat(counts.misses).as("%s: entries from the host", cell).isPositive();
      assertThat(counts.slotsTaken).as("%s: entries that left a buffer", cell).isPositive();
    }
    add(happened, "entries in buffers " + cell.model(), counts.chosen - counts.misses);
    add(happened, "entries from the host " + cell.model(), counts.misses);
    add(happened, "entries from the host " + cell.speculation(), counts.misses);
    add(happened, "entries from the host " + cell.prefix(), counts.misses);
    add(happened, "entries that left a buffer " + cell.model(), counts.slotsTaken);
    add(happened, "entries read on the host", counts.direct);
    boolean overlaps = (boolean) cell.others().get("overlap");
    add(happened, "entries from the host while steps overlap", overlaps ? counts.misses : 0);
    add(happened, "entries from the host behind loads", counts.loads > 0 ? counts.misses : 0);
    add(happened, "entries from the host behind forks", counts.forks > 0 ? counts.misses : 0);
    boolean retracts = counts.retractions > 0;
    add(happened, "entries from the host behind retractions", retracts ? counts.misses : 0);
  }

  private static void tallyTiers(
      SwitchCell cell, MatrixCounts counts, Map<String, Integer> happened) {
    assertThat(counts.tierEvents > 0).as("%s: events of tiers", cell).isEqualTo(cell.tiers());
    add(happened, "stores " + cell.model(), counts.stores);
    add(happened, "host evictions " + cell.model(), counts.hostEvictions);
    add(happened, "loads " + cell.model(), counts.loads);
    add(happened, "loads " + cell.prefix() + ", " + cell.writes(), counts.loads);
    add(happened, "loads " + cell.speculation(), counts.loads);
    add(happened, "loads " + cell.policy(), counts.loads);
    add(happened, "loads by retracted sequences", counts.loadsOfRetracted);
    add(happened, "forks behind loads", counts.forksBehindLoads);
    add(happened, "writes " + cell.model(), counts.writes);
    add(happened, "reads " + cell.model(), counts.reads);
    add(happened, "reads " + cell.prefetches(), counts.reads);
    add(happened, "reads after a restart", counts.readsAfterRestart);
    counts.prefetches.forEach((why, n) -> add(happened, "prefetches that ended: " + why, n));
    boolean overlaps = (boolean) cell.others().get("overlap");
    add(happened, "loads while steps overlap", overlaps ? counts.loads : 0);
  }

  private static void tallyDrafts(
      SwitchCell cell,
      String whyNot,
      MatrixCounts counts,
      Map<String, Integer> happened,
      Map<String, Integer> impossible) {
    if (whyNot != null) {
      assertThat(counts.drafted).as("%s: drafts", cell).isZero();
      impossible.merge(whyNot, 1, Integer::sum);
    } else if (!cell.speculation().adaptive) { // else times decide
      boolean mtp = cell.speculation().algorithm == Algorithm.MTP;
      boolean guesses = cell.model().guesses();
      assertThat(counts.drafted).as("%s: drafts", cell).isPositive();
      assertThat(counts.rejected).as("%s: rejected drafts", cell).isPositive();
      boolean crams =
          cell.speculation() == Speculation.CRAMMER || cell.speculation() == Speculation.LAGGARD;
      if (crams || mtp && guesses) {
        assertThat(counts.accepted).as("%s: accepted drafts", cell).isPositive();
      }
    }
    add(happened, "accepted " + cell.speculation(), counts.accepted);
    add(happened, "rejected " + cell.speculation(), counts.rejected);
  }

  private static void add(Map<String, Integer> happened, String what, long count) {
    if (count > 0) {
      happened.merge(what, (int) Math.min(count, 1 << 20), Integer::sum);
    }
  }
}
