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
import orrery.sampling.SamplingException;
import orrery.sampling.SamplingParams;

/** Thousands of broken models through the whole loader, and through a few tokens if they load. */
class HostileModelTest {
  private static final int MUTATIONS = 500; // of each speck
  private static final int[] PROMPT = {5, 3, 8};
  private static final EngineOptions OPTIONS =
      EngineOptions.defaults()
          .withKernels(EngineOptions.KernelChoice.SCALAR)
          .withGraph(false)
          .withContextLength(8);

  @TempDir Path scratch;

  /**
   * What a directory says: its shape, what ends an answer, and three greedy tokens with the
   * log-probabilities of all the choices, or why they could not be had.
   */
  private static List<String> load(Path directory) {
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      String shape = loaded.model().info() + " " + loaded.model().maxPositions();
      return List.of(shape, Arrays.toString(loaded.eos()), answer(loaded));
    }
  }

  private static String answer(LoadedModel loaded) {
    int positions = loaded.model().maxPositions();
    try (Generator generator =
        new Generator(loaded, OPTIONS.withContextLength(Math.min(8, positions)))) {
      StringBuilder heard = new StringBuilder();
      SamplingParams params =
          SamplingParams.builder().temperature(0).maxTokens(3).logprobs(5).build();
      generator.generate(PROMPT, params, 0, 0, (token, text, logprobs) -> heard.append(logprobs));
      return heard.toString();
    } catch (SamplingException notANumber) {
      assertThat(notANumber.getMessage()).contains("NaN");
      return notANumber.getMessage();
    } catch (IllegalArgumentException tooLong) {
      assertThat(positions).isLessThanOrEqualTo(PROMPT.length);
      assertThat(tooLong.getMessage()).startsWith("prompt: expected fewer tokens than the context");
      return tooLong.getMessage();
    }
  }

  @Test
  void thousandsOfBrokenModelsAreRefusedByNameOrAnswerAndNothingElse() throws IOException {
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
