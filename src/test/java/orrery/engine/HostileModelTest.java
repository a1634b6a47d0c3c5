package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointMutator;
import orrery.checkpoint.CheckpointMutator.Outcome;
import orrery.checkpoint.CheckpointMutator.Report;
import orrery.kernels.KernelSet;
import orrery.model.ModelInfo;
import orrery.sampling.SamplingParams;

/** Thousands of broken models go through the whole loader; those that load compute a few tokens. */
class HostileModelTest {
  private static final int MUTATIONS = 500; // of each speck
  private static final int QUANTISED_MUTATIONS = 120; // of each quantised one
  private static final int[] PROMPT = {5, 3, 8};
  private static final EngineOptions OPTIONS =
      EngineOptions.defaults()
          .withCompute(c -> c.withKernels(KernelSet.SCALAR).withGraph(false))
          .withKv(kv -> kv.withPageSize(4).withContextLength(8))
          .withBatching(b -> b.withMaxRunningRequests(1));

  @TempDir Path scratch;

  /**
   * The content of a directory: the model's shape, the tokens that end an answer, and three greedy
   * tokens with log-probabilities of the likeliest tokens, or the error in place of them.
   */
  private static List<String> load(Path directory) {
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      String shape = shape(loaded.model().info()) + " " + loaded.model().maxPositions();
      return List.of(shape, Arrays.toString(loaded.eos()), answer(loaded));
    }
  }

  /** Without the blocks of scales: other ones may mean the same in a small matrix. */
  private static List<String> shape(ModelInfo info) {
    return info.groups().stream().map(g -> g.role() + " " + g.parameters()).toList();
  }

  private static String answer(LoadedModel loaded) {
    int positions = loaded.model().maxPositions();
    EngineOptions options = OPTIONS.withKv(kv -> kv.withContextLength(Math.min(8, positions)));
    try (Engine engine = Engine.start(loaded, options)) {
      SamplingParams params =
          SamplingParams.defaults().withTemperature(0).withMaxTokens(3).withLogprobs(5);
      Answer answer = engine.submit(Request.of(PROMPT, params)).join().getFirst();
      return answer.logprobs().toString();
    } catch (RequestException e) {
      if (e.kind() == RequestException.Kind.FAILED) {
        assertThat(e.getMessage()).contains("NaN");
      } else {
        assertThat(positions).isLessThanOrEqualTo(PROMPT.length);
        assertThat(e.getMessage()).startsWith("prompt: expected fewer tokens than the context");
      }
      return e.getMessage();
    }
  }

  @Test
  void thousandsOfBrokenQuantisedModelsAreRefusedByNameOrAnswerAsBefore() throws IOException {
    long seed = 141;
    int made = 0;
    for (Path model : TinyModels.quantised()) {
      Report report =
          CheckpointMutator.ofQuantized(model, scratch, HostileModelTest::load)
              .run(seed++, QUANTISED_MUTATIONS);
      System.out.printf(
          "%d mutations of %s, seed %d:%n%s%n", QUANTISED_MUTATIONS, model, seed - 1, report);
      assertThat(report.count(Outcome.REFUSED)).isGreaterThan(QUANTISED_MUTATIONS / 3);
      assertThat(report.count(Outcome.SAME_CONTENT)).isPositive();
      assertThat(report.worstBytes()).isLessThan(64 << 20);
      made += QUANTISED_MUTATIONS;
    }
    assertThat(made).isGreaterThanOrEqualTo(2_000);
  }

  @Test
  void thousandsOfBrokenModelsAreRefusedByNameOrAnswer() throws IOException {
    long seed = 41;
    for (Path speck : TinyModels.specks()) {
      Report report =
          new CheckpointMutator(speck, scratch, HostileModelTest::load).run(seed++, MUTATIONS);
      System.out.printf("%d mutations of %s, seed %d:%n%s%n", MUTATIONS, speck, seed - 1, report);
      assertThat(report.count(Outcome.REFUSED)).isGreaterThan(MUTATIONS / 3);
      assertThat(report.count(Outcome.SAME_CONTENT)).isPositive();
      assertThat(report.count(Outcome.OTHER_CONTENT)).isPositive();
      assertThat(report.worstCpuMillis()).isLessThan(2_000);
      assertThat(report.worstBytes()).isLessThan(64 << 20);
    }
  }
}
