package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.observe.SpeculationStats;
import orrery.observe.TraceSink;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code orrery run-batch}: a file of requests, a file of answers. */
@Command(
    name = "run-batch",
    mixinStandardHelpOptions = true,
    description = {
      "Answers a file of requests in OpenAI's batch format, one JSON object a line, through"
          + " /v1/completions and /v1/chat/completions.",
      "",
      "Answers stand in the order of the requests. A line that cannot be answered gets an error in"
          + " its place and disturbs no other. The same file gives the same bytes, whatever the"
          + " engine's switches say (but for --enable-prompt-tokens-details, and for another"
          + " --speculative-acceptance than coupled).",
      "",
      "Progress and a summary go to standard error. While it runs, answers are in FILE.part."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  orrery run-batch -i docs/examples/batch.jsonl -o answers.jsonl",
      "  orrery run-batch -i docs/examples/batch.jsonl -o answers.jsonl --schedule-policy vllm"
          + " --trace batch.json"
    })
final class RunBatchCommand implements Callable<Integer> {
  @Option(
      names = {"-i", "--input-file"},
      paramLabel = "FILE",
      required = true,
      description = "Requests, one JSON object a line")
  private Path input;

  @Option(
      names = {"-o", "--output-file"},
      paramLabel = "FILE",
      required = true,
      description = "Answers, one JSON object a line; replaced when the last one is written")
  private Path output;

  @Option(
      names = "--enable-prompt-tokens-details",
      description = "Say in each answer how many prompt tokens came from the prefix cache")
  private boolean promptDetails;

  @Mixin private ModelOption model;
  @Mixin private EngineFlags flags;
  @Mixin private TraceFlag trace;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter err = spec.commandLine().getErr();
    if (Files.exists(output) && Files.exists(input) && Files.isSameFile(input, output)) {
      throw new ParameterException(
          spec.commandLine(), "-o: expected another file than -i, found " + output);
    }
    EngineOptions options = flags.options();
    SpeculationStats stats = new SpeculationStats();
    int total = count(input);
    boolean live = System.console() != null && System.console().isTerminal();
    BatchProgress progress = new BatchProgress(err, live, total);
    try (BatchLines lines = new BatchLines(input);
        TraceSink sink = trace.open();
        LoadedModel loaded = model.load()) {
      BatchTally tally = new BatchTally();
      // The output comes last: what is refused before leaves no file behind.
      try (Engine engine = flags.start(loaded, options, stats.and(sink));
          BatchOutput out = new BatchOutput(output)) {
        OpenAiRequest.Reader reader = new OpenAiRequest.Reader(loaded, longest(engine));
        OpenAiResponse responses =
            new OpenAiResponse(
                loaded.tokenizer(), promptDetails, options.speculation().synthetic());
        new BatchRun(engine, reader, responses, out, tally, progress::show).run(lines);
        out.complete();
      } finally {
        progress.end();
      }
      err.println(tally.summary());
      DraftLines.of(options.speculation(), stats, 10).forEach(err::println);
    }
    return 0;
  }

  /** The context length, or what the whole cache holds if that is less. */
  private static int longest(Engine engine) {
    int page = engine.options().pageSize() > 0 ? engine.options().pageSize() : Integer.MAX_VALUE;
    return (int) Math.min(engine.contextLength(), (long) engine.pages() * page);
  }

  /** Lines to come, for the progress; a pipe can be read only once. */
  private static int count(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return -1;
    }
    int count = 0;
    try (BatchLines lines = new BatchLines(file)) {
      while (lines.next() != null) {
        count++;
      }
    }
    return count;
  }
}
