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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.EngineOptions.KernelChoice;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingException;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.sampling.SamplingParamsBuilder;

/** The plain engine on models without a tokenizer: ids in, ids out. */
class GeneratorTest {
  private static final EngineOptions SCALAR =
      EngineOptions.defaults().withKernels(KernelChoice.SCALAR);
  private static final int[] PROMPT = {3, 14, 15, 9, 26, 5, 35, 8, 9, 79, 32};

  @TempDir Path directory;

  static List<Path> models() {
    return TinyModels.all();
  }

  static List<Path> specks() {
    return TinyModels.specks();
  }

  private static SamplingParamsBuilder greedy(int maxTokens) {
    return SamplingParams.builder().temperature(0).maxTokens(maxTokens).ignoreEos(true);
  }

  private static SamplingParamsBuilder sampled(int maxTokens) {
    return greedy(maxTokens)
        .temperature(0.9)
        .topP(0.9)
        .repetitionPenalty(1.1)
        .frequencyPenalty(0.2)
        .presencePenalty(0.1)
        .logitBias(List.of(new TokenBias(7, 1.5)));
  }

  private static Generator.Answer answer(Generator g, int[] prompt, SamplingParams params) {
    return g.generate(prompt, params, 11, 0, (token, text, logprobs) -> {});
  }

  /** Tokens with the log-probability of each, as bits. */
  private static List<String> bits(Generator g, int[] prompt, SamplingParams params, int choice) {
    List<String> heard = new ArrayList<>();
    g.generate(prompt, params, 11, choice, (token, text, logprobs) -> heard.add("" + logprobs));
    return heard;
  }

  @ParameterizedTest
  @MethodSource("models")
  void greedyAnswersAreThoseOfTransformers(Path model) {
    try (LoadedModel loaded = LoadedModel.load(model);
        SafetensorsFile golden = TinyModels.golden(model);
        Generator g = new Generator(loaded, SCALAR)) {
      int[] lengths = TinyModels.ints(golden, "greedy.prompt_lengths");
      int[] prompts = TinyModels.ints(golden, "greedy.prompts");
      int[] tokens = TinyModels.ints(golden, "greedy.tokens");
      int width = prompts.length / lengths.length;
      for (int i = 0; i < lengths.length; i++) {
        int[] prompt = Arrays.copyOfRange(prompts, i * width, i * width + lengths[i]);
        Generator.Answer answer = answer(g, prompt, greedy(64).build());
        assertThat(answer.tokens()).isEqualTo(Arrays.copyOfRange(tokens, i * 64, (i + 1) * 64));
        assertThat(answer.finish()).isEqualTo(new FinishReason.Length(64));
        assertThat(answer.promptTokens()).isEqualTo(lengths[i]);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("specks")
  void noSwitchChangesAnAnswer(Path speck) {
    // Long enough for its steps to be split over threads.
    int[] prompt = Arrays.copyOf(TinyModels.ids(speck), 90);
    SamplingParams greedy = greedy(24).logprobs(3).build();
    SamplingParams sampled = sampled(24).logprobs(3).build();
    try (LoadedModel loaded = LoadedModel.load(speck)) {
      List<String> expectedGreedy;
      List<String> expectedSampled;
      EngineOptions plain = SCALAR.withGraph(false).withChunkedPrefillSize(1);
      try (Generator g = new Generator(loaded, plain)) {
        expectedGreedy = bits(g, prompt, greedy, 0);
        expectedSampled = bits(g, prompt, sampled, 1);
      }
      assertThat(expectedSampled).isNotEqualTo(expectedGreedy);
      for (KernelChoice kernels : KernelChoice.values()) {
        for (int threads : new int[] {1, 2}) {
          for (boolean graph : new boolean[] {false, true}) {
            for (int chunk : new int[] {1, 7, 512}) {
              EngineOptions options = new EngineOptions(threads, kernels, graph, chunk, 0);
              try (Generator g = new Generator(loaded, options)) {
                assertThat(bits(g, prompt, greedy, 0)).as("%s", options).isEqualTo(expectedGreedy);
                assertThat(bits(g, prompt, sampled, 1))
                    .as("%s", options)
                    .isEqualTo(expectedSampled);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void autoSwitchesToVectorKernelsInTheMiddleOfAnAnswerWithoutATrace() {
    SamplingParams params = greedy(200).logprobs(1).build();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"))) {
      List<String> expected;
      try (Generator plain = new Generator(loaded, SCALAR)) {
        expected = bits(plain, PROMPT, params, 0);
      }
      Set<String> seen = new HashSet<>();
      long giveUp = System.nanoTime() + 20_000_000_000L;
      while (seen.size() < 2 && System.nanoTime() < giveUp) {
        seen.clear(); // the switch must happen while one generator answers
        try (Generator auto = new Generator(loaded, EngineOptions.defaults())) {
          do {
            List<String> heard = new ArrayList<>();
            auto.generate(
                PROMPT,
                params,
                11,
                0,
                (token, text, logprobs) -> {
                  heard.add("" + logprobs);
                  seen.add(auto.kernelName());
                });
            assertThat(heard).isEqualTo(expected);
          } while (auto.kernelName().equals("scalar") && System.nanoTime() < giveUp);
        }
      }
      assertThat(seen).as("kernels that answered").hasSize(2);
    }
  }

  @Test
  void aPromptThatCannotBeIsRefusedByWhatIsWrongAndTheNextOneIsAnswered() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias")); // 97 tokens
        Generator g = new Generator(loaded, SCALAR.withContextLength(20))) {
      List<String> expected = bits(g, PROMPT, greedy(5).logprobs(0).build(), 0);
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
        int[] prompt = prompts[i];
        assertThatThrownBy(() -> answer(g, prompt, greedy(5).build()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage(messages[i]);
        assertThat(bits(g, PROMPT, greedy(5).logprobs(0).build(), 0)).isEqualTo(expected);
      }
    }
  }

  @Test
  void samplingParametersThatNameUnknownTokensAreRefused() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Generator g = new Generator(loaded, SCALAR)) {
      assertThatThrownBy(() -> answer(g, PROMPT, greedy(5).stopTokenIds(List.of(97)).build()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("stop_token_ids", "97");
      List<TokenBias> bias = List.of(new TokenBias(4_000, 1));
      assertThatThrownBy(() -> answer(g, PROMPT, greedy(5).logitBias(bias).build()))
          .hasMessageContainingAll("logit_bias", "4000");
    }
  }

  @Test
  void anAnswerEndsExactlyAtTheContextLength() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      for (int context : new int[] {12, 13, 40, 256}) {
        try (Generator g = new Generator(loaded, SCALAR.withContextLength(context))) {
          Generator.Answer a = answer(g, PROMPT, greedy(1_000).build());
          assertThat(a.promptTokens() + a.tokens().length).isEqualTo(context);
          assertThat(a.finish()).isEqualTo(new FinishReason.Length(context - PROMPT.length));
        }
      }
      try (Generator g = new Generator(loaded, SCALAR)) {
        assertThat(g.contextLength()).isEqualTo(256);
      }
    }
  }

  @Test
  void aContextLongerThanTheModelIsRefused() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      assertThatThrownBy(() -> new Generator(loaded, SCALAR.withContextLength(257)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("context-length: expected at most the model's 256 positions, found 257");
    }
  }

  @Test
  void aRequestWhoseLogitsAreNaNFailsAloneAndLeavesNoTrace() {
    EditedModel edited = EditedModel.of(TinyModels.speck("bias"));
    edited.tensors.replaceAll((name, values) -> values.asF32());
    int hidden = 20;
    float[] embedding = edited.tensors.get("model.embed_tokens.weight").floats();
    Arrays.fill(embedding, 50 * hidden, 51 * hidden, Float.NaN); // token 50
    try (LoadedModel loaded = LoadedModel.load(edited.writeTo(directory))) {
      for (EngineOptions options :
          List.of(SCALAR, SCALAR.withKernels(KernelChoice.VECTOR).withThreads(2))) {
        try (Generator g = new Generator(loaded, options)) {
          SamplingParams params = greedy(30).logprobs(2).build();
          List<String> before = bits(g, PROMPT, params, 0);
          int[] poisoned = new int[100]; // longer than the next, so that its NaN rows lie beneath
          Arrays.fill(poisoned, 50);
          assertThatThrownBy(() -> answer(g, poisoned, params))
              .isInstanceOf(SamplingException.class)
              .hasMessageContaining("NaN");
          int[] late = {1, 2, 50, 3};
          assertThatThrownBy(() -> answer(g, late, params)).isInstanceOf(SamplingException.class);
          assertThat(bits(g, PROMPT, params, 0)).isEqualTo(before);
        }
      }
    }
  }

  @Test
  void aListenerThatThrowsEndsItsRequestOnly() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));
        Generator g = new Generator(loaded, SCALAR)) {
      List<String> expected = bits(g, PROMPT, greedy(9).logprobs(0).build(), 0);
      assertThatThrownBy(
              () ->
                  g.generate(
                      PROMPT,
                      greedy(9).build(),
                      0,
                      0,
                      (token, text, logprobs) -> {
                        throw new IllegalStateException("reader is gone");
                      }))
          .hasMessage("reader is gone");
      assertThat(bits(g, PROMPT, greedy(9).logprobs(0).build(), 0)).isEqualTo(expected);
    }
  }

  @Test
  void choicesAndSeedsDifferAndCanBeRepeated() {
    SamplingParams params = sampled(16).build();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("sharded"));
        Generator g = new Generator(loaded, SCALAR);
        Generator again = new Generator(loaded, SCALAR)) {
      Set<List<Integer>> answers = new HashSet<>();
      for (long seed : new long[] {0, 1, -1, Long.MAX_VALUE}) {
        for (int choice = 0; choice < 4; choice++) {
          int[] one = g.generate(PROMPT, params, seed, choice, (t, text, l) -> {}).tokens();
          int[] two = again.generate(PROMPT, params, seed, choice, (t, text, l) -> {}).tokens();
          assertThat(two).isEqualTo(one);
          answers.add(IntStream.of(one).boxed().toList());
        }
      }
      assertThat(answers).hasSize(16);
    }
  }

  @Test
  void theModelsOwnEndAndStopTokensEndAnAnswer() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("sharded"));
        Generator g = new Generator(loaded, SCALAR)) {
      int[] free = answer(g, PROMPT, greedy(40).build()).tokens();
      int first = IntStream.range(0, 40).filter(i -> free[i] == free[20]).findFirst().orElseThrow();
      Generator.Answer stopped =
          answer(g, PROMPT, greedy(40).stopTokenIds(List.of(free[20])).build());
      assertThat(stopped.tokens()).isEqualTo(Arrays.copyOf(free, first + 1));
      assertThat(stopped.finish()).isEqualTo(new FinishReason.StopToken(free[20]));
      int eos = loaded.eos()[0];
      SamplingParams wantsEos =
          greedy(40)
              .ignoreEos(false)
              .minTokens(3)
              .logitBias(List.of(new TokenBias(eos, 1e6)))
              .build();
      Generator.Answer ended = answer(g, PROMPT, wantsEos);
      assertThat(ended.tokens()).hasSize(4).endsWith(eos).startsWith(Arrays.copyOf(free, 3));
      assertThat(ended.finish()).isEqualTo(new FinishReason.StopToken(eos));
    }
  }

  @Test
  void maxTokensIsExactAndTheListenerHearsEveryTokenOnce() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Generator g = new Generator(loaded, SCALAR)) {
      for (int max : new int[] {1, 2, 17}) {
        List<Integer> heard = new ArrayList<>();
        Generator.Answer a =
            g.generate(
                PROMPT, greedy(max).build(), 0, 0, (token, text, logprobs) -> heard.add(token));
        assertThat(a.tokens()).hasSize(max);
        assertThat(heard).isEqualTo(IntStream.of(a.tokens()).boxed().toList());
        assertThat(a.text()).isEmpty();
        assertThat(a.finish()).isEqualTo(new FinishReason.Length(max));
      }
    }
  }
}
