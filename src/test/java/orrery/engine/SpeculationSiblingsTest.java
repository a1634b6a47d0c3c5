package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.sampled;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Several answers of one request under speculation: some end at once, some fail in mid-step. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class SpeculationSiblingsTest {
  private static final EngineOptions MTP =
      SCALAR
          .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(4))
          .withBatching(b -> b.withMaxRunningRequests(8));

  @TempDir Path directory;

  /**
   * An answer that ends with its first token still has pages and states for its siblings to share.
   */
  @Test
  void siblingsOfAnAnswerThatEndedWithItsFirstTokenDraftLikeAnyOther() {
    int forked = 0;
    int drafted = 0;
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      for (int length = 3; length <= PROMPT.length; length++) {
        int[] prompt = Arrays.copyOf(PROMPT, length);
        SamplingParams open = sampled(20).withN(4).withLogprobs(1).withSeed(length);
        List<Answer> whole;
        try (Engine engine = Engine.start(loaded, SCALAR)) {
          whole = engine.submit(Request.of(prompt, open)).join();
        }
        int first = whole.getFirst().tokens()[0];
        SamplingParams ends =
            sampled(20).withN(4).withLogprobs(1).withSeed(length).withStopTokenIds(List.of(first));
        Request request = Request.of(prompt, ends);
        String expected;
        try (Engine engine = Engine.start(loaded, SCALAR)) {
          expected = bits(engine.submit(request).join());
        }
        Set<Integer> forks = new HashSet<>();
        int[] drafts = {0};
        try (Engine engine =
            Engine.start(
                loaded,
                MTP,
                e -> {
                  if (e instanceof Event.Forked f) {
                    forks.add(f.sequence());
                  } else if (e instanceof Event.Verified v && forks.contains(v.sequence())) {
                    drafts[0] += v.drafts().length;
                  }
                })) {
          assertThat(bits(engine.submit(request).join())).isEqualTo(expected);
        }
        forked += forks.size();
        drafted += drafts[0];
      }
    }
    assertThat(forked).as("siblings that forked").isGreaterThan(5);
    assertThat(drafted).as("their drafts").isGreaterThan(50);
  }

  /**
   * One choice draws a token whose row is NaN: all choices of its request end, at any place in the
   * step.
   */
  @Test
  void aFailureInTheMiddleOfAVerificationEndsItsSiblingsAndNoOtherRequest() {
    EditedModel edited = EditedModel.of(TinyModels.speck("mtp"));
    int hidden = edited.config.get("hidden_size").asInt();
    float[] embedding = edited.tensors.get("model.embed_tokens.weight").floats();
    Arrays.fill(embedding, 50 * hidden, 51 * hidden, Float.NaN); // token 50
    Request stays = Request.of(PROMPT, biased(3, 30, -100, 2));
    int failedLate = 0;
    try (LoadedModel loaded = LoadedModel.load(edited.writeTo(directory))) {
      String expected;
      try (Engine engine = Engine.start(loaded, SCALAR)) {
        expected = bits(engine.submit(stays).join());
      }
      for (int seed = 0; seed < 24; seed++) {
        int[] tokens = {0};
        PrefixCacheKind prefix = PrefixCacheKind.values()[seed % 3];
        EngineOptions o = MTP.withPrefix(p -> p.withPrefixCache(prefix));
        try (Engine engine =
            Engine.start(
                loaded,
                o,
                e -> tokens[0] += e instanceof Event.TokenOut t && t.request() == 1 ? 1 : 0)) {
          Request fails = Request.of(PROMPT, biased(seed, 60, 4, 3));
          List<Completion> all = engine.submit(List.of(stays, fails, stays));
          assertThatThrownBy(() -> all.get(1).join()).hasMessageContaining("NaN");
          assertThat(bits(all.get(0).join())).isEqualTo(expected);
          assertThat(bits(all.get(2).join())).isEqualTo(expected);
          assertThat(bits(engine.submit(stays).join())).isEqualTo(expected);
        }
        failedLate += tokens[0] > 8 ? 1 : 0;
      }
    }
    assertThat(failedLate).as("failed after a few verifications").isGreaterThan(5);
  }

  /** Judging is one phase and keeping rows the next, for siblings too. */
  @Test
  void theFirstTokensOfAllChoicesComeBeforeTheirPromptIsSharedAndForked() {
    List<String> events = new ArrayList<>();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"));
        Engine engine =
            Engine.start(loaded, SCALAR, e -> events.add(e.getClass().getSimpleName()))) {
      SamplingParams three = sampled(2).withN(3);
      engine.submit(Request.of(PROMPT, three)).join();
    }
    assertThat(events.subList(0, events.indexOf("StepDone")))
        .containsExactly(
            "Submitted",
            "Admitted",
            "TokenOut",
            "TokenOut",
            "TokenOut",
            "PrefixInserted",
            "Forked",
            "Forked");
  }

  private static SamplingParams biased(int seed, int tokens, double bias, int n) {
    return sampled(tokens)
        .withLogprobs(1)
        .withN(n)
        .withSeed(seed)
        .withLogitBias(List.of(new TokenBias(50, bias)));
  }
}
