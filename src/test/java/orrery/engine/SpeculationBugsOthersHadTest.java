package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.kernels.KernelSet;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;
import orrery.text.Tokenizer;

/** Bugs of other engines in speculation. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class SpeculationBugsOthersHadTest {
  private static final int[] PROMPT = {3, 14, 15, 9, 26, 5, 35, 8, 9, 79, 32};
  private static final int LENGTH = 26;

  private static LoadedModel loaded;
  private static Tokenizer tokenizer;

  @TempDir Path directory;

  @BeforeAll
  static void load() {
    LoadedModel ids = LoadedModel.load(TinyModels.speck("mtp"));
    tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"));
    loaded =
        new LoadedModel(ids.directory(), ids.model(), Optional.of(tokenizer), new int[] {5, 17});
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  /** All parts of an answer that a client sees. */
  private static String all(Answer a) {
    return a.promptTokens()
        + Arrays.toString(a.tokens())
        + a.logprobs()
        + "|"
        + a.text()
        + "|"
        + a.finish();
  }

  /** Counts from the events of a run. */
  private static final class Seen {
    int steps;
    int tokens;
    int before; // tokens when the step began
    int accepted;
    int cutInside; // verifications in which the answer ended before the last draft was judged
    int tooMany; // drafts beyond the last token that may come
    int outputTokens = -1;
    private final int most;

    Seen(int most) {
      this.most = most;
    }

    synchronized void see(Event e) {
      switch (e) {
        case Event.StepDone s -> {
          steps++;
          before = tokens;
        }
        case Event.TokenOut t -> tokens++;
        case Event.Finished f -> outputTokens = f.outputTokens();
        case Event.Verified v -> {
          accepted += v.accepted();
          cutInside += v.judged() == v.accepted() && v.judged() < v.drafts().length ? 1 : 0;
          tooMany += v.drafts().length > most - before - 1 ? 1 : 0;
        }
        default -> {}
      }
    }
  }

  private static EngineOptions drafting(int k) {
    return SCALAR.withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM).withNumSteps(k));
  }

  private static Drafters knowing(int[] answer, long seed) {
    return (runner, step, cache, sampler) ->
        new Crammer(Map.of(Crammer.key(seed, 0), answer), loaded.model().vocab(), 1, 1);
  }

  private static Answer plainly(LoadedModel model, EngineOptions o, SamplingParams p) {
    try (Engine engine =
        Engine.start(model, o.withSpeculation(_ -> SpeculationOptions.defaults()))) {
      return engine.submit(Request.of(PROMPT, p)).join().getFirst();
    }
  }

  private static SamplingParams params(int maxTokens) {
    return sampled(maxTokens).withLogprobs(1); // seed 11
  }

  /** Checks the answer with a drafter that always knows the next tokens; returns the counts. */
  private static Seen same(LoadedModel model, EngineOptions o, SamplingParams p, int[] answer) {
    Answer plain = plainly(model, o, p);
    Seen seen = new Seen(p.maxTokens());
    try (Engine engine = Engine.start(model, o, seen::see, knowing(answer, 11))) {
      Answer a = engine.submit(Request.of(PROMPT, p)).join().getFirst();
      assertThat(all(a)).as("%s %s", o.speculation(), p).isEqualTo(all(plain));
    }
    assertThat(seen.tokens).as("tokens heard of").isEqualTo(plain.tokens().length);
    assertThat(seen.outputTokens).as("usage").isEqualTo(plain.tokens().length);
    assertThat(seen.tooMany).as("drafts beyond max_tokens").isZero();
    assertThat(seen.steps).as("steps").isBetween(1, 1 + plain.tokens().length);
    return seen;
  }

  /** Leavesfly's LLMEngine: at the length budget, the wrong count or no progress at all. */
  @Test
  void maxTokensInsideAnAcceptedRunIsExactAndNeverLivelocks() {
    int[] answer = plainly(loaded, SCALAR, params(LENGTH)).tokens();
    int accepted = 0;
    for (int k : new int[] {1, 3, 5}) {
      for (int most = 1; most <= 14; most++) {
        Seen seen = same(loaded, drafting(k), params(most), answer);
        accepted += seen.accepted;
        // The prompt's step brings one token; each step after it brings k + 1.
        assertThat(seen.steps).as("%d drafts", k).isEqualTo(1 + Math.ceilDiv(most - 1, k + 1));
      }
    }
    assertThat(accepted).isGreaterThan(100);
  }

  @Test
  void stopTokensAndEndOfSequenceInsideAnAcceptedRunEndTheAnswerThere() {
    int[] answer = plainly(loaded, SCALAR, params(LENGTH)).tokens();
    int inside = 0;
    for (int token : answer) {
      SamplingParams stops = params(LENGTH).withStopTokenIds(List.of(token));
      inside += same(loaded, drafting(4), stops, answer).cutInside;
      LoadedModel ends =
          new LoadedModel(
              loaded.directory(), loaded.model(), loaded.tokenizer(), new int[] {token});
      SamplingParams eos = params(LENGTH).withIgnoreEos(false);
      inside += same(ends, drafting(4), eos, answer).cutInside;
      SamplingParams late =
          params(LENGTH).withIgnoreEos(false).withMinTokens(6).withStopTokenIds(List.of(token));
      same(ends, drafting(4), late, plainly(ends, SCALAR, late).tokens());
    }
    assertThat(inside).as("answers that ended inside a run").isGreaterThan(10);
  }

  @Test
  void stopStringsInsideAnAcceptedRunEndTheAnswerThere() {
    Answer whole = plainly(loaded, SCALAR, params(LENGTH));
    int inside = 0;
    int stopped = 0;
    for (int at = 0; at + 3 < whole.text().length(); at += 3) {
      String stop = whole.text().substring(at, at + 3);
      SamplingParams p = params(LENGTH).withStop(List.of(stop));
      inside += same(loaded, drafting(4), p, whole.tokens()).cutInside;
      FinishReason why = plainly(loaded, SCALAR, p).finish();
      stopped += why instanceof FinishReason.StopString ? 1 : 0;
    }
    assertThat(stopped).as("answers that a string stopped").isGreaterThan(5);
    assertThat(inside).as("inside a run").isGreaterThan(3);
  }

  @Test
  void theContextsEndInsideAnAcceptedRunIsExact() {
    int[] answer = plainly(loaded, SCALAR, params(LENGTH)).tokens();
    for (int page : new int[] {1, 4, 0}) {
      for (int room = 1; room < 12; room++) {
        int length = PROMPT.length + room;
        EngineOptions o = drafting(5).withKv(kv -> kv.withContextLength(length).withPageSize(page));
        Seen seen = same(loaded, o, params(200), answer);
        assertThat(seen.tokens).isEqualTo(room);
        EngineOptions mtp =
            o.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(5))
                .withKv(kv -> kv.withMaxTotalTokens(0));
        Answer plain = plainly(loaded, o, params(200));
        try (Engine engine = Engine.start(loaded, mtp)) {
          Answer a = engine.submit(Request.of(PROMPT, params(200))).join().getFirst();
          assertThat(all(a)).isEqualTo(all(plain));
        }
      }
    }
  }

  /** vllm#54506, mlx-lm#1470: verify rows were computed by other arithmetic than decode rows. */
  @Test
  void greedySpeculationIsPlainGreedyEvenWhereLogitsTie() {
    EditedModel edited = EditedModel.of(TinyModels.speck("mtp"));
    float[] head = edited.tensors.get("lm_head.weight").floats();
    int hidden = head.length / 97;
    for (int t = 0; t + 1 < 97; t += 2) { // every second token has a twin of equal logits
      System.arraycopy(head, t * hidden, head, (t + 1) * hidden, hidden);
    }
    SamplingParams p = greedy(40).withLogprobs(3).withSeed(11);
    try (LoadedModel twins = LoadedModel.load(edited.writeTo(directory))) {
      Answer plain = plainly(twins, SCALAR, p);
      long ties =
          plain.logprobs().stream()
              .filter(l -> l.top().get(0).logprob() == l.top().get(1).logprob())
              .count();
      assertThat(ties).as("best logits that tie").isGreaterThan(30);
      for (KernelSet kernels : List.of(KernelSet.SCALAR, KernelSet.VECTOR)) {
        for (int k : new int[] {1, 2, 3, 4, 5}) {
          EngineOptions o = drafting(k).withCompute(c -> c.withKernels(kernels));
          Seen seen = new Seen(40);
          try (Engine engine =
              Engine.start(
                  twins,
                  o,
                  seen::see,
                  (runner, step, cache, sampler) ->
                      new Crammer(Map.of(Crammer.key(11, 0), plain.tokens()), 97, k, 0.9))) {
            Answer a = engine.submit(Request.of(PROMPT, p)).join().getFirst();
            assertThat(all(a)).as("%s, k %d", kernels, k).isEqualTo(all(plain));
          }
          assertThat(seen.accepted).isGreaterThan(10);
        }
      }
    }
  }

  /** tokenspeed#904: the order of sums followed the size of the batch. */
  @Test
  void theOrderOfSumsDependsOnTheSequenceOnlyNotOnNeighboursDraftsOrThreads() {
    Random r = new Random(3);
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int[] prompt = r.ints(90 + 20 * i, 0, loaded.model().vocab()).toArray();
      requests.add(Request.of(prompt, greedy(16).withLogprobs(3).withSeed(i)));
    }
    List<String> alone = new ArrayList<>();
    Map<String, int[]> tokens = new java.util.HashMap<>();
    for (int i = 0; i < requests.size(); i++) {
      try (Engine engine =
          Engine.start(loaded, SCALAR.withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF)))) {
        Answer a = engine.submit(requests.get(i)).join().getFirst();
        alone.add(all(a));
        tokens.put(Crammer.key(i, 0), a.tokens());
      }
    }
    int cells = 0;
    for (int batch : new int[] {1, 2, 5}) {
      for (int k : new int[] {0, 1, 4}) {
        for (int threads : new int[] {1, 2, 3}) {
          EngineOptions o =
              drafting(k)
                  .withCompute(c -> c.withThreads(threads).withKernels(KernelSet.VECTOR))
                  .withBatching(b -> b.withMaxRunningRequests(batch));
          try (Engine engine =
              Engine.start(
                  loaded,
                  o,
                  e -> {},
                  (runner, step, cache, sampler) ->
                      new Crammer(tokens, loaded.model().vocab(), 7))) {
            List<Completion> all = engine.submit(requests.subList(0, batch));
            IntStream.range(0, batch)
                .forEach(
                    i ->
                        assertThat(all(all.get(i).join().getFirst()))
                            .as("batch %d, k %d, %d threads", batch, k, threads)
                            .isEqualTo(alone.get(i)));
          }
          cells++;
        }
      }
    }
    assertThat(cells).isEqualTo(27);
  }
}
