package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.answer;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.Oracle;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.ForwardingForward;
import orrery.model.Model;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Requests that ask for the log-probabilities of their prompts. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class PromptLogprobsTest {
  private static final int[] PROMPT = {3, 14, 15, 9, 26, 5, 35, 8, 9, 59, 32, 3, 14};
  private static final SamplingParams SCORED = greedy(6).withLogprobs(2).withPromptLogprobs(2);

  static List<Path> models() {
    return TinyModels.all();
  }

  private static LoadedModel trained() {
    return LoadedModel.load(TinyModels.speck("trained"));
  }

  /** Logits of all positions at once, without an engine. */
  private static List<Logprobs> oracle(Path model, int... prompt) {
    float[][] logits = Oracle.of(model).logits(prompt);
    List<Logprobs> all = new ArrayList<>();
    for (int t = 1; t < prompt.length; t++) {
      all.add(Logprobs.of(logits[t - 1], 0, logits[t - 1].length, prompt[t], 2));
    }
    return all;
  }

  /** With one running request, one row at a time goes through the head; with 4, four. */
  @ParameterizedTest
  @MethodSource("models")
  void eachTokenOfAPromptButTheFirstHasTheLogprobsOfTheOracle(Path model) {
    List<Logprobs> expected = oracle(model, PROMPT);
    try (LoadedModel loaded = LoadedModel.load(model)) {
      for (int chunk : new int[] {1, 5, 64}) {
        for (int running : new int[] {1, 4}) {
          EngineOptions o =
              SCALAR.withBatching(
                  b -> b.withChunkedPrefillSize(chunk).withMaxRunningRequests(running));
          try (Engine engine = Engine.start(loaded, o)) {
            assertThat(answer(engine, PROMPT, SCORED).promptLogprobs())
                .as("chunks of %d, %d running", chunk, running)
                .isEqualTo(expected);
          }
        }
      }
    }
  }

  @Test
  void anAnswerThatBecomesAPromptKeepsItsLogprobs() {
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, SCALAR)) {
      Answer said = answer(engine, PROMPT, sampled(12).withLogprobs(2));
      int[] all = Arrays.copyOf(PROMPT, PROMPT.length + said.tokens().length);
      System.arraycopy(said.tokens(), 0, all, PROMPT.length, said.tokens().length);
      Answer scored = answer(engine, all, SCORED.withLogprobStartLen(PROMPT.length - 1));
      assertThat(scored.promptLogprobs()).isEqualTo(said.logprobs());
    }
  }

  @Test
  void theFirstEntryIsOfTheTokenBehindTheStart() {
    List<Logprobs> all = oracle(TinyModels.speck("trained"), PROMPT);
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, SCALAR)) {
      for (int start = 0; start < PROMPT.length; start++) {
        Answer a = answer(engine, PROMPT, SCORED.withLogprobStartLen(start));
        assertThat(a.promptLogprobs()).isEqualTo(all.subList(start, all.size()));
      }
      int[] one = {7};
      assertThat(answer(engine, one, SCORED).promptLogprobs()).isEmpty();
      assertThat(answer(engine, PROMPT, greedy(3).withLogprobs(2)).promptLogprobs()).isEmpty();
    }
  }

  /** Pages of 4 tokens. A row that is scored must be computed, so no hit reaches it. */
  @Test
  void aPrefixHitEndsBeforeTheFirstRowThatIsScored() {
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, SCALAR)) {
      assertThat(answer(engine, PROMPT, greedy(2)).cachedTokens()).isZero();
      assertThat(answer(engine, PROMPT, greedy(2)).cachedTokens()).isEqualTo(12);
      int[] hits = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12};
      for (int start = 0; start < PROMPT.length; start++) {
        Answer a = answer(engine, PROMPT, SCORED.withLogprobStartLen(start));
        assertThat(a.cachedTokens()).as("start %d", start).isEqualTo(hits[start]);
      }
    }
  }

  /**
   * The scored prompt has no hit, and the one behind it has one of 8 tokens, which is first then.
   * It must not wait for the first one to compute more of what they share.
   */
  @Test
  void withTheLongestHitFirstNoPromptWaitsForAScoredOneBehindIt() {
    EngineOptions o = SCALAR.withBatching(b -> b.withLpm(true).withMaxRunningRequests(1));
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, o)) {
      answer(engine, Arrays.copyOf(PROMPT, 9), greedy(1));
      List<Completion> both =
          engine.submit(List.of(Request.of(PROMPT, SCORED), Request.of(PROMPT, greedy(6))));
      assertThat(both.get(1).join().getFirst().cachedTokens()).isEqualTo(8);
      assertThat(both.get(0).join().getFirst().cachedTokens()).isZero();
    }
  }

  /** Two rows a step: the answer takes the memory that the prompt beside it has taken before. */
  @Test
  void aPromptThatIsRetractedInItsMiddleIsScoredOnAndNotAgain() {
    EngineOptions o =
        SCALAR
            .withKv(kv -> kv.withMaxTotalTokens(40))
            .withBatching(b -> b.withSchedulePolicy(SchedulePolicy.VLLM).withChunkedPrefillSize(2));
    int[] prompt = new Random(5).ints(30, 0, 60).toArray();
    List<Event> events = new ArrayList<>();
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, o, events::add)) {
      List<Completion> both =
          engine.submit(
              List.of(Request.of(new int[] {3, 14}, greedy(34)), Request.of(prompt, SCORED)));
      Answer scored = both.get(1).join().getFirst();
      assertThat(scored.promptLogprobs()).isEqualTo(oracle(TinyModels.speck("trained"), prompt));
      assertThat(scored.retractions()).isPositive();
    }
    assertThat(events)
        .anyMatch(
            e -> e instanceof Event.Retracted r && r.lost() > 4 && r.lost() < prompt.length - 1);
  }

  /** The logits of a step that decide tokens are those of before, though the head ran again. */
  @Test
  void scoringChangesNoAnswerOfAnyRequestInTheStep() {
    try (LoadedModel loaded = trained()) {
      for (Algorithm algorithm : List.of(Algorithm.OFF, Algorithm.MTP)) {
        EngineOptions o =
            SCALAR.withSpeculation(
                s -> s.withAlgorithm(algorithm).withNumSteps(algorithm == Algorithm.OFF ? 0 : 3));
        List<Request> plain = new ArrayList<>();
        List<Request> scored = new ArrayList<>();
        Random r = new Random(3);
        for (int i = 0; i < 9; i++) {
          int[] prompt = r.ints(1 + r.nextInt(20), 0, 60).toArray();
          SamplingParams p = sampled(4 + r.nextInt(16)).withLogprobs(2).withN(1 + i % 3);
          plain.add(Request.of(prompt, p));
          scored.add(Request.of(prompt, i % 2 == 0 ? p.withPromptLogprobs(0) : p));
        }
        assertThat(run(loaded, o, scored)).isEqualTo(run(loaded, o, plain));
      }
    }
  }

  private static List<String> run(LoadedModel loaded, EngineOptions o, List<Request> requests) {
    try (Engine engine = Engine.start(loaded, o)) {
      return engine.submit(requests).stream().map(c -> EngineTest.bits(c.join())).toList();
    }
  }

  @Test
  void allChoicesHaveTheSameListAndItIsThereBeforeTheFirstToken() {
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = engine.submit(Request.of(PROMPT, SCORED.withN(3)));
      Token first = c.iterator().next();
      assertThat(first.index()).isZero();
      List<Logprobs> there = c.promptLogprobs();
      assertThat(there).isEqualTo(oracle(TinyModels.speck("trained"), PROMPT));
      assertThat(c.join()).hasSize(3).allMatch(a -> a.promptLogprobs() == there);
    }
  }

  @Test
  void aRequestThatIsCutOffInItsPromptHasNone() {
    EngineOptions o = SCALAR.withBatching(b -> b.withChunkedPrefillSize(1));
    CountDownLatch submitted = new CountDownLatch(1);
    Completion[] cut = new Completion[1];
    int[] steps = {0};
    try (LoadedModel loaded = trained();
        Engine engine =
            Engine.start(
                loaded,
                o,
                e -> {
                  if (e instanceof Event.StepDone && ++steps[0] == 5) {
                    await(submitted);
                    cut[0].cancel();
                  }
                })) {
      cut[0] = engine.submit(Request.of(PROMPT, SCORED));
      submitted.countDown();
      Answer a = cut[0].join().getFirst();
      assertThat(a.finish()).isInstanceOf(FinishReason.Abort.class);
      assertThat(a.tokens()).isEmpty();
      assertThat(a.promptLogprobs()).isEmpty();
    }
    assertThat(steps[0]).isBetween(5, PROMPT.length - 1);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatCannotBeIsRefused() {
    try (LoadedModel loaded = trained();
        Engine engine = Engine.start(loaded, SCALAR)) {
      assertThatThrownBy(() -> answer(engine, PROMPT, SCORED.withLogprobStartLen(13)))
          .isInstanceOf(RequestException.class)
          .hasMessage("logprob_start_len: expected less than the prompt's 13 tokens, found 13");
      // Without log-probabilities of the prompt the field says nothing.
      assertThat(answer(engine, PROMPT, greedy(1).withLogprobStartLen(13)).tokens()).hasSize(1);
    }
    Request large = Request.of(new int[40_000_000], SCORED.withPromptLogprobs(20));
    assertThatThrownBy(() -> PromptScores.requirePossible(large, 256, Heap.left()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching(
            "prompt_logprobs: log-probabilities of prompts of 40,000,000 tokens, of 256 running"
                + " requests, would take [0-9,.]+ GiB; .* are left of a heap of .*");
  }

  /** A model whose head, when it runs for the second time in a step, gives NaN for one token. */
  private record NanHead(Model real, int token) implements ForwardingModel {
    private record Spoil(Buffer logits, int token) implements Op {
      @Override
      public void run(Step step, int share, int shares) {
        for (int i = 0; share == 0 && i < step.logitRows(); i++) {
          if (step.token[step.logitRow[i]] == token) {
            logits.data[logits.row(i) + 2] = Float.NaN;
          }
        }
      }

      @Override
      public List<Operand> reads() {
        return List.of(logits);
      }

      @Override
      public List<Operand> writes() {
        return List.of(logits);
      }

      @Override
      public long cost(Step step) {
        return 0;
      }

      @Override
      public String line() {
        return logits + " = NaN in rows of token " + token;
      }
    }

    private record Spoilt(Forward real, int token) implements ForwardingForward {
      @Override
      public void head(Launcher g) {
        real.head(g);
        g.launch(new Spoil(real.logits(), token));
      }
    }

    @Override
    public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
      IntFunction<Forward> bound = real.bind(cache, maxLogitRows);
      return rows -> new Spoilt(bound.apply(rows), token);
    }
  }

  /** The states are numbers, so nothing but the logits tells. Slices hold rows of both requests. */
  @Test
  void aRowWithALogitThatIsNaNFailsItsRequestAlone() {
    try (LoadedModel loaded = trained()) {
      Model spoilt = new NanHead(loaded.model(), 59);
      LoadedModel bad = new LoadedModel(loaded.directory(), spoilt, Optional.empty(), loaded.eos());
      int[] good = {3, 14, 15, 9, 26, 5, 35, 8};
      try (Engine engine = Engine.start(bad, SCALAR)) {
        List<Completion> all =
            engine.submit(
                List.of(
                    Request.of(good, SCORED),
                    Request.of(PROMPT, SCORED.withN(2)),
                    Request.of(good, SCORED),
                    Request.of(PROMPT, greedy(6))));
        assertThatThrownBy(() -> all.get(1).join())
            .hasMessageContaining("position 10: prompt_logprobs: the logit of token 2 is NaN");
        List<Logprobs> expected = oracle(TinyModels.speck("trained"), good);
        assertThat(all.get(0).join().getFirst().promptLogprobs()).isEqualTo(expected);
        assertThat(all.get(2).join().getFirst().promptLogprobs()).isEqualTo(expected);
        assertThat(all.get(3).join().getFirst().tokens()).hasSize(6);
      }
    }
  }
}
