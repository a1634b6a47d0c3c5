package orrery.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.engine.Generator;
import orrery.engine.LoadedModel;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingParams;
import orrery.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code orrery generate}: one prompt, its answer streamed to standard output. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = {
      "Continues a text or answers a chat message, token by token.",
      "",
      "The answer goes to standard output, what was computed and how fast to standard error.",
      "Same prompt, flags and seed give the same answer, whatever --threads, --kernels, --graph or"
          + " --chunked-prefill-size say."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  orrery generate -p \"Once upon a time there was a\"",
      "  orrery generate -c \"What is the opposite of hot?\"",
      "  orrery generate -p \"Once upon a time\" --temperature 0.8 --top-p 0.95 --seed 7 -n 300"
    })
final class GenerateCommand implements Callable<Integer> {
  @Mixin private ModelOption model;
  @Mixin private PromptFlags prompt;
  @Mixin private SamplingFlags sampling;
  @Mixin private EngineFlags engine;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    SamplingParams params = sampling.params();
    try (LoadedModel loaded = model.load();
        Generator generator = new Generator(loaded, engine.options())) {
      int[] ids = prompt.encode(loaded);
      out.print(prompt.shown());
      out.flush();
      long[] sinceStart = {0};
      Generator.Answer answer =
          generator.generate(
              ids,
              params,
              sampling.seed(),
              0,
              (token, text, logprobs) -> {
                if (sinceStart[0] == 0) {
                  sinceStart[0] = Clock.millisSinceProcessStart();
                }
                out.print(loaded.tokenizer().isPresent() ? text : token + " ");
                out.flush();
                if (logprobs != null) {
                  err.println(line(logprobs, loaded));
                }
              });
      out.println();
      out.flush();
      err.println(summary(answer, generator, sinceStart[0]));
      return 0;
    }
  }

  private static String line(Logprobs logprobs, LoadedModel loaded) {
    StringBuilder line = new StringBuilder();
    line.append(name(logprobs.chosen().token(), loaded));
    line.append(String.format(Locale.ROOT, " %.3f", logprobs.chosen().logprob()));
    for (Logprobs.TokenLogprob other : logprobs.top()) {
      line.append(
          String.format(Locale.ROOT, "   %s %.3f", name(other.token(), loaded), other.logprob()));
    }
    return line.toString();
  }

  private static String name(int token, LoadedModel loaded) {
    return loaded.tokenizer().map((Tokenizer t) -> t.name(token)).orElse("#" + token);
  }

  private static String summary(Generator.Answer a, Generator generator, long firstTokenMillis) {
    String finish =
        switch (a.finish()) {
          case FinishReason.StopToken s -> "stop (token " + s.matched() + ")";
          case FinishReason.StopString s -> "stop (\"" + s.matched() + "\")";
          case FinishReason.Length l -> "length (" + l.maxTokens() + " tokens)";
          case FinishReason.Abort s -> "abort (" + s.cause() + ")";
        };
    return String.format(
        Locale.ROOT,
        "%nprompt   %d tokens, %.0f tok/s%nanswer   %d tokens, %.0f tok/s, finish reason: %s%n"
            + "first    token after %.0f ms, %d ms after process start%nkernels  %s, %d thread%s",
        a.promptTokens(),
        a.promptRate(),
        a.tokens().length,
        a.decodeRate(),
        finish,
        a.firstTokenNanos() / 1e6,
        firstTokenMillis,
        generator.kernelName(),
        generator.options().threads(),
        generator.options().threads() == 1 ? "" : "s");
  }
}
