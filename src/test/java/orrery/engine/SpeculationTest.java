package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.kernels.KernelSet;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Drafts never change an answer, with any parameters, however bad the drafts are. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class SpeculationTest {
  @TempDir Path directory;

  private static EngineOptions mtp(int k) {
    return SCALAR.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(k));
  }

  /** [drafts, accepted, rejected] */
  private static void count(Event e, int[] seen) {
    if (e instanceof Event.Verified v) {
      seen[0] += v.drafts().length;
      seen[1] += v.accepted();
      seen[2] += v.judged() - v.accepted();
    }
  }

  @Test
  void mtpOnAModelWithoutMtpIsRefusedByName() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"))) {
      assertThatThrownBy(() -> Engine.start(loaded, mtp(3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "speculative-algorithm: expected ngram or off, since the model has no MTP layer,"
                  + " found mtp");
      EngineOptions ngram =
          SCALAR.withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM).withNumSteps(3));
      try (Engine engine = Engine.start(loaded, ngram)) {
        assertThat(EngineTest.answer(engine, PROMPT, greedy(5)).tokens()).hasSize(5);
      }
    }
  }

  /** Fills each tensor of the MTP layer in turn with NaN, infinity or far too large values. */
  @Test
  void aBrokenMtpLayerHarmsNoAnswer() {
    EditedModel edited = EditedModel.of(TinyModels.speck("mtp"));
    String layer = "model.layers." + edited.config.get("num_hidden_layers").asInt() + ".";
    List<Request> requests =
        List.of(
            Request.of(PROMPT, greedy(12).withLogprobs(2)),
            Request.of(PROMPT, sampled(12).withLogprobs(2).withN(2)));
    String expected;
    int[] sound = new int[3];
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      expected = answers(loaded, SCALAR, requests, new int[3]);
      assertThat(answers(loaded, mtp(3), requests, sound)).isEqualTo(expected);
    }
    assertThat(sound[0]).as("drafts of the sound layer").isPositive();
    int silent = 0;
    for (String name : List.copyOf(edited.tensors.keySet())) {
      if (!name.startsWith(layer) || name.contains("experts.") && !name.contains("experts.0.")) {
        continue; // one expert is like another
      }
      EditedModel.Values whole = edited.tensors.get(name);
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1e30f}) {
        EditedModel.Values broken = whole.asF32();
        float[] values = broken.floats().clone();
        Arrays.fill(values, bad);
        edited.tensors.put(
            name, new EditedModel.Values(broken.dtype(), broken.shape(), values, null));
        int[] seen = new int[3];
        try (LoadedModel loaded = LoadedModel.load(edited.writeTo(directory))) {
          assertThat(answers(loaded, mtp(3), requests, seen))
              .as("%s full of %s", name, bad)
              .isEqualTo(expected);
        }
        silent += seen[0] == 0 ? 1 : 0;
        if (Float.isNaN(bad) && name.endsWith("eh_proj.weight")) {
          assertThat(seen[0]).as("drafts of NaN").isZero();
        }
      }
      edited.tensors.put(name, whole);
    }
    assertThat(silent).as("layers that guess nothing any more").isPositive();
  }

  /** The row of the rejected draft is NaN, and so are the rows after it; none of them counts. */
  @Test
  void aRejectedDraftWhoseRowIsNaNHarmsNoAnswer() {
    EditedModel edited = EditedModel.of(TinyModels.speck("bias"));
    edited.tensors.replaceAll((name, values) -> values.asF32());
    int hidden = 20;
    float[] embedding = edited.tensors.get("model.embed_tokens.weight").floats();
    Arrays.fill(embedding, 50 * hidden, 51 * hidden, Float.NaN); // token 50
    int[] poison = new int[40];
    Arrays.fill(poison, 50);
    SamplingParams never = // else the token may be drawn, and the request fails without drafts too
        sampled(30).withLogprobs(2).withLogitBias(List.of(new TokenBias(50, -100)));
    List<Request> requests = List.of(Request.of(PROMPT, never), Request.of(PROMPT, never));
    try (LoadedModel loaded = LoadedModel.load(edited.writeTo(directory))) {
      String expected = answers(loaded, SCALAR, requests, new int[3]);
      int[] seen = new int[3];
      EngineOptions o =
          SCALAR.withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM).withNumSteps(4));
      Drafters poisoner =
          (runner, step, cache, sampler) ->
              new Crammer(Map.of(Crammer.key(11, 0), poison), loaded.model().vocab(), 1, 1);
      StringBuilder found = new StringBuilder();
      try (Engine engine = Engine.start(loaded, o, e -> count(e, seen), poisoner)) {
        engine.submit(requests).forEach(c -> found.append(bits(c.join())));
        engine.submit(requests).forEach(c -> found.append(bits(c.join()))); // behind a hit
      }
      assertThat(found).hasToString(expected + expected);
      assertThat(seen[2]).as("rejected").isGreaterThan(80);
      assertThat(seen[1]).as("accepted").isZero();
    }
  }

  private static String answers(
      LoadedModel loaded, EngineOptions o, List<Request> requests, int[] seen) {
    StringBuilder all = new StringBuilder();
    try (Engine engine = Engine.start(loaded, o, e -> count(e, seen))) {
      engine.submit(requests).forEach(c -> all.append(bits(c.join())));
    }
    return all.toString();
  }

  /**
   * Penalties, bias, filters, stops and several choices are applied at the position of each draft.
   */
  @ParameterizedTest
  @ValueSource(strings = {"speck-mtp", "speck-trained", "storyteller-moe"})
  void fiftyRandomParameterSetsAnswerAsWithoutDrafts(String model) {
    Random r = new Random(8);
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models", model))) {
      int vocab = loaded.model().vocab();
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        int[] prompt = r.ints(1 + r.nextInt(8), 0, vocab).toArray();
        requests.add(Request.of(prompt, params(r, vocab, i)));
      }
      EngineOptions plain =
          SCALAR
              .withCompute(c -> c.withKernels(KernelSet.VECTOR))
              .withBatching(b -> b.withMaxRunningRequests(16))
              .withKv(kv -> kv.withContextLength(64));
      Map<String, int[]> tokens = new HashMap<>();
      List<List<String>> expected = new ArrayList<>();
      try (Engine engine = Engine.start(loaded, plain)) {
        for (Completion c : engine.submit(requests)) {
          c.join().forEach(a -> tokens.put(Crammer.key(expected.size(), a.choice()), a.tokens()));
          expected.add(c.join().stream().map(SpeculationTest::all).toList());
        }
      }
      int[] real = new int[3];
      EngineOptions o = plain.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(4));
      Drafters own = Drafters.of(o.speculation(), vocab);
      compare(Engine.start(loaded, o, e -> count(e, real), own), requests, expected);
      int[] crammed = new int[3];
      EngineOptions n =
          plain.withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM).withNumSteps(4));
      Drafters crammer = (runner, step, cache, sampler) -> new Crammer(tokens, vocab, 5);
      compare(Engine.start(loaded, n, e -> count(e, crammed), crammer), requests, expected);
      System.out.printf(
          "%s: MTP %s, told the answers %s [drafts, accepted, rejected]%n",
          model, Arrays.toString(real), Arrays.toString(crammed));
      assertThat(real[2]).as("rejected of MTP").isPositive();
      assertThat(crammed[1]).as("accepted").isGreaterThan(100);
      assertThat(crammed[2]).as("rejected").isGreaterThan(100);
      if (!model.equals("speck-mtp")) { // speck-mtp has random weights
        assertThat(real[1]).as("accepted of MTP").isGreaterThan(50);
      }
    }
  }

  private static void compare(Engine e, List<Request> requests, List<List<String>> expected) {
    try (Engine engine = e) {
      List<Completion> all = engine.submit(requests);
      for (int i = 0; i < all.size(); i++) {
        assertThat(all.get(i).join().stream().map(SpeculationTest::all).toList())
            .as("request %d: %s", i, requests.get(i).params())
            .isEqualTo(expected.get(i));
      }
    }
  }

  private static String all(Answer a) {
    return Arrays.toString(a.tokens()) + a.logprobs() + "|" + a.text() + "|" + a.finish();
  }

  private static SamplingParams params(Random r, int vocab, int seed) {
    int most = 2 + r.nextInt(16);
    var params =
        SamplingParams.defaults()
            .withSeed(seed)
            .withMaxTokens(most)
            .withMinTokens(r.nextInt(3) == 0 ? r.nextInt(most) : 0)
            .withIgnoreEos(r.nextBoolean())
            .withTemperature(r.nextInt(3) == 0 ? 0 : 0.3 + r.nextDouble())
            .withTopK(r.nextInt(3) == 0 ? 1 + r.nextInt(20) : 0)
            .withTopP(r.nextInt(3) == 0 ? 0.8 : 1)
            .withMinP(r.nextInt(4) == 0 ? 0.05 : 0)
            .withRepetitionPenalty(r.nextBoolean() ? 1 : 1 + r.nextDouble())
            .withFrequencyPenalty(r.nextBoolean() ? 0 : r.nextDouble() * 2)
            .withPresencePenalty(r.nextBoolean() ? 0 : r.nextDouble() * 2)
            .withLogprobs(2)
            .withN(r.nextInt(4) == 0 ? 3 : 1);
    if (r.nextBoolean()) {
      params =
          params.withLogitBias(
              List.of(new TokenBias(r.nextInt(vocab), 4), new TokenBias(r.nextInt(vocab), -100)));
    }
    if (r.nextInt(3) == 0) {
      params = params.withStopTokenIds(List.of(r.nextInt(vocab), r.nextInt(vocab)));
    }
    return params;
  }
}
