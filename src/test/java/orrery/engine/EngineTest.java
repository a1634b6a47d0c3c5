package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.checkpoint.SafetensorsFile;
import orrery.kernels.KernelSet;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;

/** The answers to single requests, on models without a tokenizer: ids in, ids out. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class EngineTest {
  static final EngineOptions SCALAR =
      EngineOptions.defaults()
          .withCompute(c -> c.withKernels(KernelSet.SCALAR))
          .withKv(kv -> kv.withPageSize(4))
          .withBatching(b -> b.withMaxRunningRequests(4));
  static final int[] PROMPT = {3, 14, 15, 9, 26, 5, 35, 8, 9, 79, 32};

  @TempDir Path directory;

  static List<Path> models() {
    return TinyModels.all();
  }

  static SamplingParams greedy(int maxTokens) {
    return SamplingParams.defaults()
        .withTemperature(0)
        .withMaxTokens(maxTokens)
        .withIgnoreEos(true);
  }

  static SamplingParams sampled(int maxTokens) {
    return greedy(maxTokens)
        .withTemperature(0.9)
        .withTopP(0.9)
        .withRepetitionPenalty(1.1)
        .withFrequencyPenalty(0.2)
        .withPresencePenalty(0.1)
        .withSeed(11)
        .withLogitBias(List.of(new TokenBias(7, 1.5)));
  }

  static Answer answer(Engine engine, int[] prompt, SamplingParams params) {
    return engine.submit(Request.of(prompt, params)).join().getFirst();
  }

  /** Tokens and log-probabilities of all choices, to the bit. */
  static String bits(List<Answer> answers) {
    StringBuilder s = new StringBuilder();
    answers.forEach(a -> s.append(Arrays.toString(a.tokens())).append(a.logprobs()).append('\n'));
    return s.toString();
  }

  @ParameterizedTest
  @MethodSource("models")
  void greedyAnswersAreThoseOfTransformers(Path model) {
    try (LoadedModel loaded = LoadedModel.load(model);
        SafetensorsFile golden = TinyModels.golden(model);
        Engine engine = Engine.start(loaded, EngineOptions.defaults())) {
      int[] lengths = TinyModels.ints(golden, "greedy.prompt_lengths");
      int[] prompts = TinyModels.ints(golden, "greedy.prompts");
      int[] tokens = TinyModels.ints(golden, "greedy.tokens");
      int width = prompts.length / lengths.length;
      List<Request> all = new ArrayList<>();
      for (int i = 0; i < lengths.length; i++) {
        int[] prompt = Arrays.copyOfRange(prompts, i * width, i * width + lengths[i]);
        all.add(Request.of(prompt, greedy(64)));
      }
      List<Completion> completions = engine.submit(all); // side by side
      for (int i = 0; i < lengths.length; i++) {
        Answer a = completions.get(i).join().getFirst();
        assertThat(a.tokens()).isEqualTo(Arrays.copyOfRange(tokens, i * 64, (i + 1) * 64));
        assertThat(a.finish()).isEqualTo(new FinishReason.Length(64));
        assertThat(a.promptTokens()).isEqualTo(lengths[i]);
      }
    }
  }

  @Test
  void anImpossibleRequestIsRefusedWithItsFaultAndTheNextOneIsAnswered() {
    EngineOptions options = SCALAR.withKv(kv -> kv.withContextLength(20));
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias")); // 97 tokens
        Engine engine = Engine.start(loaded, options)) {
      SamplingParams params = greedy(5).withLogprobs(0);
      String expected = bits(engine.submit(Request.of(PROMPT, params)).join());
      int[][] prompts = {
        {}, {1, 97}, {-1}, {Integer.MAX_VALUE, 1}, new int[20], new int[21], new int[5_000]
      };
      String[] messages = {
        "prompt: expected at least one token, found none",
        "prompt: expected token ids from 0 to 96, found 97 at position 1",
        "prompt: expected token ids from 0 to 96, found -1 at position 0",
        "prompt: expected token ids from 0 to 96, found 2147483647 at position 0",
        "prompt: expected fewer tokens than the context length 20, found 20",
        "prompt: expected fewer tokens than the context length 20, found 21",
        "prompt: expected fewer tokens than the context length 20, found 5000"
      };
      for (int i = 0; i < prompts.length; i++) {
        refused(engine, Request.of(prompts[i], params), messages[i]);
        assertThat(bits(engine.submit(Request.of(PROMPT, params)).join())).isEqualTo(expected);
      }
      List<TokenBias> bias = List.of(new TokenBias(4_000, 1));
      refused(engine, Request.of(PROMPT, greedy(5).withStopTokenIds(List.of(97))), "97");
      refused(engine, Request.of(PROMPT, greedy(5).withLogitBias(bias)), "4000");
    }
  }

  private static void refused(Engine engine, Request request, String message) {
    assertThatThrownBy(() -> engine.submit(request))
        .isInstanceOfSatisfying(
            RequestException.class,
            e -> assertThat(e.kind()).isEqualTo(RequestException.Kind.INVALID))
        .hasMessageContaining(message);
  }

  @Test
  void aRequestWithAMissingPartIsRefusedWhereItIsMade() {
    SamplingParams params = greedy(1);
    assertThatThrownBy(() -> Request.of(PROMPT, null)).hasMessageContaining("sampling parameters");
    assertThatThrownBy(() -> Request.of(PROMPT, params).withSalt(null))
        .hasMessageContaining("salt: expected a string");
    for (String d : List.of("PT0S", "PT-1S", "P40000D")) {
      assertThatThrownBy(() -> Request.of(PROMPT, params).withDeadline(java.time.Duration.parse(d)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("deadline: expected above 0 and at most 100 years");
    }
  }

  @Test
  void anAnswerEndsExactlyAtTheContextLength() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      for (int context : new int[] {12, 13, 40, 256}) {
        EngineOptions options = SCALAR.withKv(kv -> kv.withContextLength(context));
        try (Engine engine = Engine.start(loaded, options)) {
          Answer a = answer(engine, PROMPT, greedy(1_000));
          assertThat(a.promptTokens() + a.tokens().length).isEqualTo(context);
          assertThat(a.finish()).isEqualTo(new FinishReason.Length(context - PROMPT.length));
        }
      }
      try (Engine engine = Engine.start(loaded, SCALAR)) {
        assertThat(engine.contextLength()).isEqualTo(256);
      }
      assertThatThrownBy(() -> Engine.start(loaded, SCALAR.withKv(kv -> kv.withContextLength(257))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("context-length: expected at most the model's 256 positions, found 257");
    }
  }

  @Test
  void theModelsOwnEndAndStopTokensEndAnAnswer() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("sharded"));
        Engine engine = Engine.start(loaded, SCALAR)) {
      int[] free = answer(engine, PROMPT, greedy(40)).tokens();
      int first = IntStream.range(0, 40).filter(i -> free[i] == free[20]).findFirst().orElseThrow();
      Answer stopped = answer(engine, PROMPT, greedy(40).withStopTokenIds(List.of(free[20])));
      assertThat(stopped.tokens()).isEqualTo(Arrays.copyOf(free, first + 1));
      assertThat(stopped.finish()).isEqualTo(new FinishReason.StopToken(free[20]));
      int eos = loaded.eos()[0];
      SamplingParams wantsEos =
          greedy(40)
              .withIgnoreEos(false)
              .withMinTokens(3)
              .withLogitBias(List.of(new TokenBias(eos, 1e6)));
      Answer ended = answer(engine, PROMPT, wantsEos);
      assertThat(ended.tokens()).hasSize(4).endsWith(eos).startsWith(Arrays.copyOf(free, 3));
      assertThat(ended.finish()).isEqualTo(new FinishReason.StopToken(eos));
    }
  }

  @Test
  void maxTokensIsExactAndEveryTokenComesOnce() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Engine engine = Engine.start(loaded, SCALAR)) {
      for (int max : new int[] {1, 2, 17}) {
        Completion c = engine.submit(Request.of(PROMPT, greedy(max)));
        List<Integer> heard = new ArrayList<>();
        for (Token t : c) {
          assertThat(t.index()).isEqualTo(heard.size());
          heard.add(t.id());
        }
        Answer a = c.join().getFirst();
        assertThat(a.tokens()).hasSize(max);
        assertThat(heard).isEqualTo(IntStream.of(a.tokens()).boxed().toList());
        assertThat(a.text()).isEmpty();
        assertThat(a.finish()).isEqualTo(new FinishReason.Length(max));
        assertThat(c).as("tokens are handed out once").isEmpty();
      }
    }
  }

  @Test
  void choicesAndSeedsDifferAndCanBeRepeatedAloneOrInBatches() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("sharded"));
        Engine one = Engine.start(loaded, SCALAR);
        Engine two = Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxRunningRequests(1)))) {
      Set<List<Integer>> answers = new HashSet<>();
      for (long seed : new long[] {0, 1, -1, Long.MAX_VALUE}) {
        Request request = Request.of(PROMPT, sampled(16).withSeed(seed).withLogprobs(1).withN(4));
        List<Answer> four = one.submit(request).join();
        assertThat(bits(two.submit(request).join())).isEqualTo(bits(four));
        assertThat(four.stream().map(Answer::choice)).containsExactly(0, 1, 2, 3);
        four.forEach(a -> answers.add(IntStream.of(a.tokens()).boxed().toList()));
      }
      assertThat(answers).hasSize(16);
    }
  }

  /**
   * Forks take pages that were not reserved: under a policy that never retracts, forks must wait.
   */
  @Test
  void manyChoicesInTightMemoryAllFinishUnderEveryPolicy() {
    SamplingParams params = sampled(21).withLogprobs(1).withN(8);
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"))) {
      String expected;
      try (Engine ample = Engine.start(loaded, SCALAR)) {
        expected = bits(ample.submit(Request.of(PROMPT, params)).join());
      }
      for (SchedulePolicy policy : SchedulePolicy.values()) {
        for (PrefixCacheKind prefix : PrefixCacheKind.values()) {
          EngineOptions tight =
              SCALAR
                  .withKv(kv -> kv.withContextLength(32).withMaxTotalTokens(44))
                  .withBatching(
                      b ->
                          b.withMaxRunningRequests(8)
                              .withSchedulePolicy(policy)
                              .withBatchWaitMillis(0))
                  .withPrefix(p -> p.withPrefixCache(prefix));
          try (Engine engine = Engine.start(loaded, tight)) {
            Completion c = engine.submit(Request.of(PROMPT, params));
            assertThat(bits(c.join())).as("%s %s", policy, prefix).isEqualTo(expected);
          }
        }
      }
    }
  }

  @Test
  void aRequestWhoseLogitsAreNaNFailsAloneAndLeavesNoTrace() {
    EditedModel edited = EditedModel.of(TinyModels.speck("bias"));
    edited.tensors.replaceAll((name, values) -> values.asF32());
    int hidden = 20;
    float[] embedding = edited.tensors.get("model.embed_tokens.weight").floats();
    Arrays.fill(embedding, 50 * hidden, 51 * hidden, Float.NaN); // token 50
    SamplingParams params = greedy(30).withLogprobs(2);
    SamplingParams three = greedy(30).withLogprobs(2).withN(3);
    int[] poisoned = new int[100]; // longer than the others, so that its NaN rows lay beneath
    Arrays.fill(poisoned, 50);
    int[] late = Arrays.copyOf(PROMPT, 24); // shares blocks with the good one, then turns bad
    late[20] = 50;
    try (LoadedModel loaded = LoadedModel.load(edited.writeTo(directory))) {
      for (PrefixCacheKind prefix : PrefixCacheKind.values()) {
        EngineOptions options =
            SCALAR
                .withPrefix(p -> p.withPrefixCache(prefix))
                .withBatching(b -> b.withChunkedPrefillSize(5))
                .withKv(kv -> kv.withContextLength(128));
        try (Engine engine = Engine.start(loaded, options)) {
          String before = bits(engine.submit(Request.of(PROMPT, params)).join());
          List<Completion> all =
              engine.submit(
                  List.of(
                      Request.of(PROMPT, params),
                      Request.of(poisoned, three),
                      Request.of(late, three),
                      Request.of(PROMPT, params)));
          for (int bad : new int[] {1, 2}) {
            assertThatThrownBy(() -> all.get(bad).join())
                .isInstanceOfSatisfying(
                    RequestException.class,
                    e -> assertThat(e.kind()).isEqualTo(RequestException.Kind.FAILED))
                .hasMessageContainingAll("request " + all.get(bad).id(), "NaN");
          }
          assertThat(bits(all.get(0).join())).isEqualTo(before);
          assertThat(bits(all.get(3).join())).isEqualTo(before);
          // Poisoned blocks would be hit by the same prompts with a good token after them.
          int[] again = Arrays.copyOf(late, 25);
          assertThatThrownBy(() -> answer(engine, again, params)).hasMessageContaining("NaN");
          int[] clean = late.clone();
          clean[20] = 49;
          assertThat(answer(engine, clean, params).tokens()).hasSize(30);
        }
      }
    }
  }

  @Test
  void requestsThatShareAPrefixComputeItOnceAndEqualOnesWaitForTheFirst() {
    int[] prompt = IntStream.range(0, 40).map(i -> i * 7 % 90).toArray();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"))) {
      for (PrefixCacheKind prefix : List.of(PrefixCacheKind.RADIX, PrefixCacheKind.HASH)) {
        try (Engine engine =
            Engine.start(loaded, SCALAR.withPrefix(p -> p.withPrefixCache(prefix)))) {
          Request request = Request.of(prompt, greedy(5));
          List<Completion> all = engine.submit(List.of(request, request, request));
          List<Integer> cached = all.stream().map(c -> c.join().getFirst().cachedTokens()).toList();
          assertThat(cached).containsExactly(0, 36, 36);
          Answer other = engine.submit(request.withSalt("tenant")).join().getFirst();
          assertThat(other.cachedTokens()).isZero();
        }
      }
    }
  }
}
