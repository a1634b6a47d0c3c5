package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.engine.Token;
import orrery.observe.SpeculationStats;
import orrery.observe.TraceSink;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery generate}: one prompt, its answer streamed to standard output. */
@Command(
    name = "generate",
    header = "Continue a text or answer a chat message, token by token.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = {
      "orrery generate (-p TEXT | -c TEXT | --prompt-file FILE | --ids IDS)",
      "                       [FLAGS]"
    },
    description = {
      "",
      "The answer goes to standard output, numbers of tokens and speeds to standard error.",
      "Same prompt, flags and seed give the same answer, whatever --threads, --kernels, --graph,"
          + " --chunked-prefill-size or --speculative-algorithm say.",
      ""
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  orrery generate -p \"Once upon a time there was a\"",
      "  orrery generate -c \"What is the opposite of hot?\"",
      "  orrery generate -p \"Once upon a time\" --temperature 0.8 --top-p 0.95 --seed 7",
      "  orrery generate -p \"Once upon a time\" -n 300 --speculative-algorithm mtp",
      "  orrery generate -c \"When does the shop open?\" --regex \"[0-9]{1,2} (am|pm)\"",
      "  echo \"Long ago there was\" | orrery generate --prompt-file -"
    })
final class GenerateCommand implements Callable<Integer> {
  @Mixin private PromptFlags prompt;
  @Mixin private ModelOption model;
  @Mixin private SamplingFlags sampling;
  @Mixin private FormFlags form;
  @Mixin private EngineFlags flags;
  @Mixin private TraceFlag trace;

  @Option(
      names = "--choices",
      paramLabel = "N",
      description = "Answers to one prompt, which share its pages. Default: 1")
  private int choices = 1;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description =
          "Report log-probabilities of each token and of the N likeliest, on standard error; -1"
              + " none. Default: ${DEFAULT-VALUE}")
  private int logprobs = -1;

  @Option(
      names = "--prompt-logprobs",
      paramLabel = "N",
      description = "The same of each token of the prompt. Default: ${DEFAULT-VALUE}")
  private int promptLogprobs = -1;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    CommandFiles files = new CommandFiles(spec.commandLine()).model(model.directory());
    trace.into(form.from(prompt.from(files))).check();
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    SamplingParams params =
        sampling.params().withN(choices).withLogprobs(logprobs).withPromptLogprobs(promptLogprobs);
    EngineOptions options = small(flags.options());
    prompt.read();
    noEffect(params, options).tell();
    SpeculationStats stats = new SpeculationStats();
    try (TraceSink sink = trace.open();
        LoadedModel loaded = model.load();
        Engine engine = Engine.start(loaded, options, stats.and(sink))) {
      new NoEffect(spec).model(engine).tell();
      SamplingParams constrained = form.constrain(params, loaded, spec.commandLine());
      sink.begin();
      Request request = prompt.request(loaded, constrained);
      Completion completion = engine.submit(request);
      out.print(prompt.shown()); // only after the engine has taken the request
      out.flush();
      LogprobLines lines = new LogprobLines(loaded);
      long sinceStart = 0;
      try (completion) {
        for (Token t : completion) {
          sinceStart = sinceStart == 0 ? Clock.millisSinceProcessStart() : sinceStart;
          if (params.n() == 1) {
            out.print(
                loaded.tokenizer().isPresent() || t.id() == Token.NONE ? t.text() : t.id() + " ");
            out.flush();
          }
          if (t.logprobs() != null) {
            err.println(lines.of(t.logprobs()));
          }
        }
      } finally {
        out.println();
      }
      List<Answer> answers = completion.join();
      lines.ofPrompt(completion.promptLogprobs()).forEach(err::println);
      for (Answer a : answers) {
        if (params.n() > 1) {
          out.printf("%n[%d]%s%n", a.choice(), a.text());
        }
        out.flush();
        err.println(summary(a, engine, sinceStart));
      }
      engine.close(); // else the last step might not be counted
      DraftLines.of(options.speculation(), stats, 9).forEach(err::println);
      return 0;
    }
  }

  /**
   * An engine for one request needs no cache for 32: the less memory there is to clear, the sooner
   * the first token. Log-probabilities of a prompt are computed as many rows at a time as sequences
   * may run.
   */
  private EngineOptions small(EngineOptions options) {
    boolean said = new FlagNames(spec).given(ScheduleFlags.RUNNING) || promptLogprobs >= 0;
    int most = Math.clamp(choices, 1, options.batching().maxRunningRequests());
    return said ? options : options.withBatching(b -> b.withMaxRunningRequests(most));
  }

  private NoEffect noEffect(SamplingParams params, EngineOptions options) {
    return new NoEffect(spec)
        .sampling(params, options.speculation())
        .engine(options)
        .when(
            params.greedy(),
            "at --temperature 0 except to repeat the answer: nothing is drawn",
            "--choices")
        .when(
            choices == 1,
            "with one choice: every policy schedules it alike",
            ScheduleFlags.POLICY,
            ScheduleFlags.RUNNING);
  }

  private static String summary(Answer a, Engine engine, long firstTokenMillis) {
    String finish =
        switch (a.finish()) {
          case FinishReason.StopToken s -> "stop (token " + s.matched() + ")";
          case FinishReason.StopString s -> "stop (\"" + s.matched() + "\")";
          case FinishReason.Complete c -> "stop (the text is complete)";
          case FinishReason.Length l -> "length (" + l.maxTokens() + " tokens)";
          case FinishReason.Abort s -> "abort (" + s.cause() + ")";
        };
    double decode = a.secondsPerToken() > 0 ? 1 / a.secondsPerToken() : 0;
    return String.format(
        Locale.ROOT,
        "%nprompt   %d tokens (%d cached), %.0f tok/s%n"
            + "answer   %d tokens, %.0f tok/s, finish reason: %s%n"
            + "first    token after %.0f ms, %d ms after process start%nkernels  %s, %d thread%s",
        a.promptTokens(),
        a.cachedTokens(),
        a.promptTokens() / (a.firstTokenNanos() / 1e9),
        a.tokens().length,
        decode,
        finish,
        a.firstTokenNanos() / 1e6,
        firstTokenMillis,
        engine.kernelName(),
        engine.options().compute().threads(),
        engine.options().compute().threads() == 1 ? "" : "s");
  }
}
