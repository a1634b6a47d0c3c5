package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.speculation.SpeculationOptions.Algorithm.MTP;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.observe.SpeculationStats;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.text.Tokenizer;

/** The examples of docs/library.md, so that they keep working. */
class LibraryExampleTest {
  private static final Path MODEL = Path.of("tiny-models/storyteller-moe");

  @Test
  void aProgramStreamsAnAnswerAndWaitsForOthers() {
    try (LoadedModel model = LoadedModel.load(MODEL);
        Engine engine = Engine.start(model, EngineOptions.defaults())) {
      Tokenizer tokenizer = model.requireTokenizer();
      SamplingParams params = SamplingParams.builder().temperature(0).maxTokens(40).build();

      StringBuilder text = new StringBuilder();
      for (Token t : engine.submit(Request.of(tokenizer.encode("sort: 9 4 7 =>"), params))) {
        text.append(t.text());
      }
      assertThat(text.toString()).isEqualTo(" 4 7 9\n");

      List<Completion> many =
          engine.submit(
              List.of(
                  Request.of(tokenizer.encode("add: 27 + 45 =>"), params),
                  Request.of(tokenizer.encode("copy: red sun map cup =>"), params).withPriority(1),
                  Request.of(tokenizer.encode("Once upon a time"), params)
                      .withDeadline(Duration.ofSeconds(30))
                      .withSalt("tenant-7")));
      assertThat(many.get(0).join().getFirst().text()).isEqualTo(" 72\n");
      assertThat(many.get(1).answers().join().getFirst().text()).isEqualTo(" red sun map cup\n");
      many.get(2).cancel();
      assertThat(many.get(2).join().getFirst().finish().type()).isIn("abort", "length");
    }
  }

  @Test
  void draftsChangeNoAnswerAndSaveSteps() {
    SpeculationStats stats = new SpeculationStats();
    EngineOptions options =
        EngineOptions.builder().speculation(SpeculationOptions.of(MTP, 3)).build();
    try (LoadedModel model = LoadedModel.load(MODEL);
        Engine engine = Engine.start(model, options, stats)) {
      int[] prompt = model.requireTokenizer().encode("copy: red sun map cup =>");
      SamplingParams params = SamplingParams.builder().temperature(0).maxTokens(40).build();
      assertThat(engine.submit(Request.of(prompt, params)).join().getFirst().text())
          .isEqualTo(" red sun map cup\n");
    }
    assertThat(stats.targetSteps()).isLessThan(stats.tokens());
    assertThat(stats.accepted()).isPositive();
  }

  @Test
  void aRequestThatCannotBeIsRefusedAtOnce() {
    try (LoadedModel model = LoadedModel.load(MODEL);
        Engine engine = Engine.start(model, EngineOptions.defaults())) {
      SamplingParams params = SamplingParams.builder().build();
      assertThatThrownBy(() -> engine.submit(Request.of(new int[] {5_000}, params)))
          .isInstanceOf(RequestException.class)
          .hasMessage("prompt: expected token ids from 0 to 2047, found 5000 at position 0");
    }
  }
}
