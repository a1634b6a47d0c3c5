package orrery.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.engine.Generator;
import orrery.engine.LoadedModel;
import orrery.model.ModelInfo;
import orrery.sampling.SamplingParams;
import orrery.text.ChatTemplate;
import orrery.text.Message;
import orrery.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code orrery demo}: the first thing a newcomer runs. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Loads the model that ships with Orrery and streams a story, a chat answer and a task,",
      "with what was read, what was computed and how fast."
    })
final class DemoCommand implements Callable<Integer> {
  private sealed interface Show {
    String title();

    record Text(String title, String prompt, SamplingParams params) implements Show {}

    record Chat(String title, String question) implements Show {}
  }

  private static final List<Show> SHOWS =
      List.of(
          new Show.Text(
              "A story, drawn at temperature 0.7 (seed 3)",
              "Once upon a time there was a",
              SamplingParams.builder().temperature(0.7).topP(0.95).maxTokens(260).build()),
          new Show.Chat("A chat answer, greedy", "What is the opposite of hot?"),
          new Show.Text(
              "A task, greedy",
              "sort: 62 93 84 41 54 =>",
              SamplingParams.builder().temperature(0).maxTokens(40).stop(List.of("\n")).build()));

  private static final long SEED = 3;

  @Mixin private ModelOption model;
  @Mixin private EngineFlags engine;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    long start = System.nanoTime();
    try (LoadedModel loaded = model.load();
        Generator generator = new Generator(loaded, engine.options())) {
      introduce(loaded, (System.nanoTime() - start) / 1e6, out);
      long tokens = 0;
      long nanos = 0;
      for (Show show : SHOWS) {
        Generator.Answer answer = run(show, loaded, generator, out);
        tokens += answer.tokens().length - 1;
        nanos += answer.decodeNanos();
      }
      conclude(loaded.model().info(), tokens / (nanos / 1e9), generator, out);
      return 0;
    }
  }

  private static void introduce(LoadedModel loaded, double millis, PrintWriter out) {
    ModelInfo info = loaded.model().info();
    out.printf(
        Locale.ROOT,
        "%s: %s, %.1f M parameters, of which one token uses %.1f M. Loaded in %.0f ms.%n",
        loaded.directory().getFileName(),
        loaded.model().architecture(),
        info.parameters() / 1e6,
        info.activeParameters() / 1e6,
        millis);
    out.flush();
  }

  private static Generator.Answer run(
      Show show, LoadedModel loaded, Generator generator, PrintWriter out) {
    Tokenizer tokenizer = loaded.requireTokenizer();
    out.printf("%n── %s%n", show.title());
    int[] prompt =
        switch (show) {
          case Show.Text t -> tokenizer.encode(t.prompt());
          case Show.Chat c ->
              new ChatTemplate(tokenizer).encode(List.of(new Message("user", c.question())));
        };
    SamplingParams params =
        switch (show) {
          case Show.Text t -> t.params();
          case Show.Chat c -> SamplingParams.builder().temperature(0).maxTokens(80).build();
        };
    out.print(
        switch (show) {
          case Show.Text t -> t.prompt();
          case Show.Chat c -> "user: " + c.question() + System.lineSeparator() + "model: ";
        });
    Generator.Answer answer =
        generator.generate(
            prompt,
            params,
            SEED,
            0,
            (token, text, logprobs) -> {
              out.print(text);
              out.flush();
            });
    out.printf(
        Locale.ROOT,
        "%n   read %d tokens in %.0f ms, wrote %d at %.0f tok/s with %s kernels%n",
        answer.promptTokens(),
        answer.firstTokenNanos() / 1e6,
        answer.tokens().length,
        answer.decodeRate(),
        generator.kernelName());
    out.flush();
    return answer;
  }

  private static void conclude(ModelInfo info, double rate, Generator generator, PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%nEach token read %.1f MB of weights and did %.1f M multiply-adds: at %.0f tok/s that is"
            + " %.1f GB/s and %.1f GFLOP/s on %d thread%s.%n",
        info.activeBytes() / 1e6,
        info.activeParameters() / 1e6,
        rate,
        info.activeBytes() * rate / 1e9,
        2 * info.activeParameters() * rate / 1e9,
        generator.options().threads(),
        generator.options().threads() == 1 ? "" : "s");
    out.println(
        "Next: orrery generate --help · orrery inspect · orrery dump --help · docs/README.md");
    out.flush();
  }
}
