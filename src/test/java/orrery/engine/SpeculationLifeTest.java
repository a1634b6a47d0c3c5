package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.Patience;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Acceptance rules, draft lengths, cancels and events of an engine that speculates. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class SpeculationLifeTest {
  private static final int[] PROMPT = {3, 14, 15, 9, 26, 5, 35, 8, 9, 32};
  private static final EngineOptions PLAIN =
      EngineTest.SCALAR.withKv(kv -> kv.withContextLength(128));

  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("trained"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static EngineOptions with(SpeculationOptions s) {
    return PLAIN.withSpeculation(_ -> s);
  }

  private static SpeculationOptions mtp(int k) {
    return SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(k);
  }

  private static Request ask(int seed, double temperature, int tokens, int n) {
    int[] prompt = PROMPT.clone();
    prompt[0] = seed % 50;
    return Request.of(
        prompt,
        SamplingParams.defaults()
            .withTemperature(temperature)
            .withMaxTokens(tokens)
            .withIgnoreEos(true)
            .withSeed(seed)
            .withLogprobs(1)
            .withN(n));
  }

  private static List<String> run(EngineOptions o, List<Request> requests, List<Event> events) {
    try (Engine engine = Engine.start(loaded, o, events::add)) {
      return engine.submit(requests).stream().map(c -> bits(c.join())).toList();
    }
  }

  private static List<Event> events() {
    return Collections.synchronizedList(new ArrayList<>());
  }

  private static List<Event.Verified> verified(List<Event> events) {
    return events.stream()
        .filter(Event.Verified.class::isInstance)
        .map(Event.Verified.class::cast)
        .toList();
  }

  @Test
  void rulesThatKeepTheDistributionGiveOtherSampledTextsButPlainGreedyOnes() {
    List<Request> drawn = new ArrayList<>();
    List<Request> greedy = new ArrayList<>();
    for (int seed = 0; seed < 8; seed++) {
      drawn.add(ask(seed, 0.9, 20, 1 + seed % 2));
      greedy.add(ask(seed, 0, 20, 1 + seed % 2));
    }
    List<String> plainDrawn = run(PLAIN, drawn, events());
    List<String> plainGreedy = run(PLAIN, greedy, events());
    for (Acceptance rule : List.of(Acceptance.TARGET_ONLY, Acceptance.REJECTION)) {
      for (Algorithm algorithm : List.of(Algorithm.MTP, Algorithm.NGRAM)) {
        SpeculationOptions s =
            SpeculationOptions.defaults()
                .withAlgorithm(algorithm)
                .withNumSteps(3)
                .withAcceptance(rule);
        EngineOptions o = with(s.withNgram(1, 4));
        List<Event> seen = events();
        List<String> found = run(o, drawn, seen);
        assertThat(found).as("%s %s", rule, algorithm).isNotEqualTo(plainDrawn);
        assertThat(run(o, drawn, events())).as("again, same seeds").isEqualTo(found);
        assertThat(verified(seen)).anyMatch(v -> v.accepted() > 0);
        assertThat(verified(seen)).anyMatch(v -> v.accepted() < v.judged());
        assertThat(verified(seen)).noneMatch(Event.Verified::synthetic);
        assertThat(run(o, greedy, events())).as("%s %s", rule, algorithm).isEqualTo(plainGreedy);
      }
    }
  }

  @Test
  void syntheticAcceptanceHasTheAskedForMeanAndSaysThatItIsSynthetic() {
    for (double length : new double[] {1, 2.5, 4}) {
      List<Event> seen = events();
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        requests.add(ask(i, i % 2, 101, 1));
      }
      run(with(mtp(3).withSyntheticAcceptLength(length)), requests, seen);
      List<Event.Verified> full =
          verified(seen).stream().filter(v -> v.drafts().length == 3).toList();
      assertThat(full).hasSizeGreaterThan(100).allMatch(Event.Verified::synthetic);
      double mean = full.stream().mapToInt(v -> v.accepted() + 1).average().orElseThrow();
      double error = 4 * 0.5 / Math.sqrt(full.size()); // four standard errors of a coin
      assertThat(Math.abs(mean - length)).as("%s, found %s", length, mean).isLessThan(error);
    }
  }

  /**
   * The first rounds always have none, one and several drafts; after them the clock decides the
   * length.
   */
  @Test
  void lengthsThatChangeInTheMiddleOfAnAnswerKeepItsText() {
    for (Algorithm algorithm : List.of(Algorithm.MTP, Algorithm.NGRAM)) {
      List<Request> requests = List.of(ask(5, 0, 110, 1), ask(6, 0.8, 110, 2));
      List<Event> seen = events();
      SpeculationOptions s =
          SpeculationOptions.defaults().withAlgorithm(algorithm).withNumSteps(4).withAdaptive(true);
      EngineOptions o = with(s.withNgram(1, 4));
      assertThat(run(o, requests, seen)).isEqualTo(run(PLAIN, requests, events()));
      long plain =
          seen.stream()
              .filter(e -> e instanceof Event.TokenOut t && t.origin() == Event.Origin.PLAIN)
              .count();
      assertThat(plain).as("tokens without drafts, beside the first ones").isGreaterThan(5);
      assertThat(verified(seen)).isNotEmpty();
    }
  }

  @Test
  void aboveTheLargestBatchNothingIsDrafted() {
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      requests.add(ask(i, 0.5, 8 + 10 * i, 1)); // they end one after the other
    }
    List<String> expected = run(PLAIN, requests, events());
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      List<Event> seen = events();
      EngineOptions o =
          with(mtp(3).withDisableByBatchSize(2)).withBatching(b -> b.withSchedulePolicy(policy));
      assertThat(run(o, requests, seen)).isEqualTo(expected);
      int above = 0;
      int drafted = 0;
      for (Event e : seen) {
        if (e instanceof Event.StepDone s && s.decodeRows() > 2) {
          above++;
          assertThat(s.draftRows()).as("%s: %s", policy, s).isZero();
        } else if (e instanceof Event.StepDone s) {
          drafted += s.draftRows();
        }
      }
      assertThat(above).as("%s: steps above", policy).isPositive();
      assertThat(drafted).as("%s: drafts below", policy).isPositive();
    }
  }

  @Test
  void aRequestCancelledAtAnyVerificationLeavesTheOthersUnchanged() throws Exception {
    Request stays = ask(1, 0.8, 30, 2);
    Request goes = ask(2, 0.8, 60, 3);
    String expected = run(PLAIN, List.of(stays), events()).getFirst();
    int cut = 0;
    for (int nth = 1; nth <= 25; nth++) {
      int[] seen = {0};
      int at = nth;
      AtomicReference<Completion> victim = new AtomicReference<>();
      CountDownLatch submitted = new CountDownLatch(1);
      EngineOptions o =
          with(mtp(4))
              .withKv(kv -> kv.withMaxTotalTokens(200))
              .withBatching(b -> b.withMaxRunningRequests(6));
      try (Engine engine =
          Engine.start(
              loaded,
              o,
              e -> {
                if (e instanceof Event.Verified && ++seen[0] == at) {
                  await(submitted);
                  victim.get().cancel();
                }
              })) {
        List<Completion> all = engine.submit(List.of(stays, goes, stays));
        victim.set(all.get(1));
        submitted.countDown();
        assertThat(bits(all.get(0).join())).as("cancelled at %d", nth).isEqualTo(expected);
        assertThat(bits(all.get(2).join())).as("cancelled at %d", nth).isEqualTo(expected);
        cut +=
            all.get(1).join().stream().anyMatch(a -> a.finish() instanceof FinishReason.Abort)
                ? 1
                : 0;
      }
    }
    assertThat(cut).as("cancelled in time").isGreaterThan(15);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anAnswerCutOffAtItsDeadlineIsThePlainAnswersBeginning() throws Exception {
    Request whole = ask(4, 0.7, 100, 1);
    int[] plain;
    try (Engine engine = Engine.start(loaded, PLAIN)) {
      plain = engine.submit(whole).join().getFirst().tokens();
    }
    for (int step = 1; step <= 9; step += 2) {
      int last = step;
      Patience.grow(
          Duration.ofMillis(20),
          deadline -> {
            try (Engine engine =
                Engine.start(loaded, with(mtp(4)), e -> sleepAt(last, deadline, e))) {
              Answer a = engine.submit(whole.withDeadline(deadline)).join().getFirst();
              assertThat(a.finish()).isEqualTo(new FinishReason.Abort("deadline"));
              assertThat(a.tokens()).isEqualTo(Arrays.copyOf(plain, a.tokens().length));
              return a.tokens().length > last; // each step gives one at least
            }
          });
    }
  }

  /** Lets a deadline pass at the end of a step. */
  private static void sleepAt(int step, Duration deadline, Event event) {
    if (event instanceof Event.StepDone s && s.step() == step) {
      try {
        Thread.sleep(deadline);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Sums that must hold over the events of any run. */
  @Test
  void tokensAndDraftsOfAllEventsAddUp() {
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      requests.add(ask(i, i % 2 * 0.8, 3 + 5 * i, 1 + i % 3));
    }
    List<Event> seen = events();
    EngineOptions o =
        with(mtp(3))
            .withBatching(b -> b.withSchedulePolicy(SchedulePolicy.VLLM).withMaxRunningRequests(12))
            .withKv(kv -> kv.withContextLength(64).withMaxTotalTokens(120));
    run(o, requests, seen);
    Map<Integer, int[]> bySequence = new HashMap<>(); // [plain, accepted, recovered, bonus, tokens]
    Map<Integer, int[]> verifications = new HashMap<>(); // [accepted, rejected, judged all, count]
    int drafts = 0;
    for (Event e : seen) {
      switch (e) {
        case Event.TokenOut t -> {
          int[] c = bySequence.computeIfAbsent(t.sequence(), k -> new int[5]);
          c[t.origin().ordinal()]++;
          assertThat(t.index()).isEqualTo(c[4]++);
        }
        case Event.Verified v -> {
          drafts += v.drafts().length;
          assertThat(v.drafts().length).isBetween(1, 3);
          assertThat(v.judged()).isBetween(1, v.drafts().length);
          assertThat(v.accepted()).isBetween(v.judged() - 1, v.judged());
          int[] c = verifications.computeIfAbsent(v.sequence(), k -> new int[4]);
          c[0] += v.accepted();
          c[1] += v.judged() - v.accepted();
          c[2] += v.accepted() == v.drafts().length ? 1 : 0;
          c[3]++;
        }
        case Event.StepDone s -> {
          assertThat(s.draftRows()).isEqualTo(drafts);
          drafts = 0;
        }
        case Event.Finished f -> {
          int[] c = bySequence.get(f.sequence());
          int[] v = verifications.getOrDefault(f.sequence(), new int[4]);
          assertThat(f.outputTokens()).isEqualTo(c[4]);
          // These answers end only at their length, and drafts leave room for one token. So every
          // verification emits its accepted drafts and one more token.
          assertThat(c[4]).isEqualTo(c[0] + v[0] + v[3]);
          assertThat(c[1]).as("accepted").isEqualTo(v[0]);
          assertThat(c[2]).as("recovered").isEqualTo(v[1]);
          assertThat(c[3]).as("bonus").isEqualTo(v[2]);
        }
        default -> {}
      }
    }
    assertThat(verifications.values()).anyMatch(v -> v[0] > 0).anyMatch(v -> v[1] > 0);
    assertThat(seen.stream().filter(Event.Forked.class::isInstance)).isNotEmpty();
    assertThat(seen.stream().filter(Event.Retracted.class::isInstance)).isNotEmpty();
  }
}
