package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.Naive;
import orrery.TinyModels;
import orrery.engine.SwitchCell.PolicyVariant;
import orrery.engine.SwitchCell.Speculation;
import orrery.events.Event;
import orrery.kernels.KernelSet;
import orrery.model.Model;
import orrery.sampling.FinishReason;
import orrery.speculation.SpeculationOptions.Algorithm;
import orrery.text.Tokenizer;

/**
 * The strongest test of the house. It runs random request sets under combinations of all switches:
 * any three values of any three switches are together in at least one combination. Each run gives
 * the same tokens, the same log-probabilities to the bit and the same text as {@link Naive}, which
 * has no cache, no batch and no schedule. Each combination also shows that its switches had an
 * effect.
 */
@Timeout(value = 180, threadMode = ThreadMode.SEPARATE_THREAD)
class EngineMatrixTest {
  private static final int CONTEXT = 96;
  private static final int WAVE = 8;

  /** Counts what happened. */
  private static final class Counts {
    int retractions;
    int hits;
    int forks;
    int padding;
    int mostRunning;
    int mostPrefill;
    int mixed;
    int aborted;
    int drafted;
    int accepted;
    int rejected;
    String kernels;

    synchronized void see(Event e) {
      switch (e) {
        case Event.Retracted r -> retractions++;
        case Event.Forked f -> forks++;
        case Event.Verified v -> {
          drafted += v.drafts().length;
          accepted += v.accepted();
          rejected += v.judged() - v.accepted();
        }
        case Event.Admitted a -> hits += a.hit() > 0 ? 1 : 0;
        case Event.StepDone s -> {
          padding += s.paddingRows();
          mostRunning = Math.max(mostRunning, s.running());
          mostPrefill = Math.max(mostPrefill, s.prefillRows());
          mixed += s.prefillRows() > 0 && s.decodeRows() > 0 ? 1 : 0;
        }
        default -> {}
      }
    }
  }

  @Test
  void everyCombinationOfSwitchesGivesTheAnswersOfTheNaiveForward() {
    long seed = 20;
    long start = System.nanoTime();
    List<SwitchCell> cells = SwitchCell.covering(3, seed);
    int runs = 0;
    Map<String, Integer> happened = new TreeMap<>();
    Map<String, Integer> impossible = new TreeMap<>();
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"))) {
      List<List<RequestSet>> sets = sets(tokenizer);
      double naive = (System.nanoTime() - start) / 1e9;
      for (int i = 0; i < cells.size(); i++) {
        SwitchCell cell = cells.get(i);
        List<RequestSet> mine = sets.get(cell.model());
        Counts counts = run(cell, mine.get(i % (mine.size() - 1)), 16);
        for (int more = 1; !cell.shows(counts.hits, counts.retractions) && more <= 8; more++) {
          // These requests did not show it: try other requests, or a crowd in less or more memory.
          RequestSet other = mine.get((i + more) % (mine.size() - 1));
          counts = run(cell, cell.tight() ? mine.getLast() : other, 8 * more);
          runs++;
        }
        runs++;
        tally(cell, mine.getFirst().loaded().model(), counts, happened, impossible);
      }
      System.out.printf(
          "switch matrix: %d cells, %d runs, seed %d, %.1f s (%.1f s of it the naive forward)%n"
              + "  happened:   %s%n  impossible: %s%n",
          cells.size(), runs, seed, (System.nanoTime() - start) / 1e9, naive, happened, impossible);
    }
    for (Speculation s : Speculation.values()) {
      if (s.steps > 0) {
        assertThat(happened).containsKeys("accepted " + s, "rejected " + s);
      }
    }
    assertThat(happened)
        .containsKeys(
            "hits", "retractions", "forks", "padding rows", "cancelled", "mixed steps SGLANG_MIXED")
        .containsKeys("mixed steps VLLM", "mixed steps TRTLLM", "mixed steps TRTLLM_MAX");
  }

  /** [model][set], the last one a crowd */
  private static List<List<RequestSet>> sets(Tokenizer tokenizer) {
    List<CompletableFuture<List<RequestSet>>> all =
        TinyModels.specks().stream()
            .map(
                speck ->
                    CompletableFuture.supplyAsync(
                        () ->
                            List.of(
                                RequestSet.of(speck, tokenizer, 1),
                                RequestSet.of(speck, tokenizer, 2),
                                RequestSet.of(speck, tokenizer, 3),
                                RequestSet.crowd(speck, tokenizer, 4))))
            .toList();
    return all.stream().map(CompletableFuture::join).toList();
  }

  /**
   * @param spare tokens that tight memory has beyond the longest request
   */
  private static Counts run(SwitchCell cell, RequestSet set, int spare) {
    Random r = new Random(cell.seed());
    Counts counts = new Counts();
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < set.requests().size(); i++) {
      order.add(i);
    }
    if (cell.shuffled()) {
      Collections.shuffle(order, r);
    }
    List<Request> all = new ArrayList<>();
    for (int i : order) {
      Request q = set.requests().get(i);
      all.add(cell.priorities() ? q.withPriority(r.nextInt(3)) : q);
    }
    Model model = set.loaded().model();
    EngineOptions options = cell.options(model, CONTEXT, set.longest(), spare);
    Drafters drafters =
        cell.speculation() == Speculation.CRAMMER
            ? (runner, step, cache, sampler) ->
                new Crammer(set.tokens(), model.vocab(), r.nextLong())
            : Drafters.of(options.speculation(), model.vocab());
    try (Engine engine = Engine.start(set.loaded(), options, counts::see, drafters)) {
      // Two waves: at the second one the engine is at work and the cache is filled.
      List<Completion> completions = new ArrayList<>(engine.submit(all.subList(0, WAVE)));
      Completion victim = cell.cancels() ? engine.submit(set.victim(r.nextLong())) : null;
      completions.get(r.nextInt(WAVE / 2)).join();
      if (victim != null) {
        victim.cancel();
      }
      completions.addAll(engine.submit(all.subList(WAVE, all.size())));
      for (int i = 0; i < order.size(); i++) {
        List<String> answers =
            completions.get(i).join().stream().map(RequestSet::describe).toList();
        assertThat(answers)
            .as("%s, request %d", cell, order.get(i))
            .isEqualTo(set.expected().get(order.get(i)));
      }
      if (victim != null) {
        counts.aborted +=
            victim.join().stream().anyMatch(a -> a.finish() instanceof FinishReason.Abort) ? 1 : 0;
      }
      counts.kernels = engine.kernelName();
    }
    return counts;
  }

  private static void tally(
      SwitchCell cell,
      Model model,
      Counts counts,
      Map<String, Integer> happened,
      Map<String, Integer> impossible) {
    if (cell.whyNoHits() != null) {
      assertThat(counts.hits).as("%s: prefix hits", cell).isZero();
      impossible.merge(cell.whyNoHits(), 1, Integer::sum);
    } else if (cell.hitsForSure()) {
      assertThat(counts.hits).as("%s: prefix hits", cell).isPositive();
    }
    if (cell.whyNoRetractions() != null) {
      assertThat(counts.retractions).as("%s: retractions", cell).isZero();
      impossible.merge(cell.whyNoRetractions(), 1, Integer::sum);
    } else if (cell.retractsByChance()) {
      impossible.merge("retractions by chance only: one prompt row a step", 1, Integer::sum);
    } else {
      assertThat(counts.retractions).as("%s: retractions", cell).isPositive();
    }
    boolean pads =
        cell.policy() == PolicyVariant.STATIC
            && cell.maxRunning() > 1
            && !(cell.tight() && cell.pageSize() == 0); // one page: one runs
    assertThat(counts.padding > 0).as("%s: padding", cell).isEqualTo(pads);
    assertThat(counts.mostRunning).as("%s", cell).isLessThanOrEqualTo(cell.maxRunning());
    if (cell.chunk() > 0 && cell.policy() != PolicyVariant.STATIC) {
      assertThat(counts.mostPrefill).as("%s: chunk", cell).isLessThanOrEqualTo(cell.chunk());
    }
    assertThat(counts.kernels.contains("scalar"))
        .as("%s: %s", cell, counts.kernels)
        .isEqualTo(cell.kernels() == KernelSet.SCALAR);
    tallyDrafts(cell, cell.whyNoDrafts(model), counts, happened, impossible);
    add(happened, "hits", counts.hits);
    add(happened, "retractions", counts.retractions);
    add(happened, "forks", counts.forks);
    add(happened, "padding rows", counts.padding);
    add(happened, "cancelled", counts.aborted);
    add(happened, "mixed steps " + cell.policy(), counts.mixed);
  }

  private static void tallyDrafts(
      SwitchCell cell,
      String whyNot,
      Counts counts,
      Map<String, Integer> happened,
      Map<String, Integer> impossible) {
    if (whyNot != null) {
      assertThat(counts.drafted).as("%s: drafts", cell).isZero();
      impossible.merge(whyNot, 1, Integer::sum);
    } else if (!cell.speculation().adaptive) { // else times decide
      boolean mtp = cell.speculation().algorithm == Algorithm.MTP;
      boolean trained = cell.model() == TinyModels.specks().indexOf(TinyModels.speck("trained"));
      assertThat(counts.drafted).as("%s: drafts", cell).isPositive();
      assertThat(counts.rejected).as("%s: rejected drafts", cell).isPositive();
      if (cell.speculation() == Speculation.CRAMMER || mtp && trained) {
        assertThat(counts.accepted).as("%s: accepted drafts", cell).isPositive();
      }
    }
    add(happened, "accepted " + cell.speculation(), counts.accepted);
    add(happened, "rejected " + cell.speculation(), counts.rejected);
  }

  private static void add(Map<String, Integer> happened, String what, int count) {
    if (count > 0) {
      happened.merge(what, count, Integer::sum);
    }
  }
}
