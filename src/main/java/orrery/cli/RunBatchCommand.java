package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.files.OutputFile;
import orrery.observe.SpeculationStats;
import orrery.observe.TraceSink;
import orrery.openai.OpenAiRequest;
import orrery.openai.OpenAiResponse;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code orrery run-batch}: a file of requests, a file of answers. */
@Command(
    name = "run-batch",
    header = "Answer a file of requests in OpenAI's batch format.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = "orrery run-batch -i FILE -o FILE [FLAGS]",
    description = {
      "",
      "Answers a file of requests in OpenAI's batch format, one JSON object a line, through"
          + " /v1/completions and /v1/chat/completions.",
      "",
      "Answers stand in the order of the requests. A line that cannot be answered gets an error in"
          + " its place and disturbs no other. The same file gives the same bytes, whatever the"
          + " engine's switches say (except --enable-prompt-tokens-details, and a"
          + " --speculative-acceptance other than coupled).",
      "",
      "Progress, the first errors and a summary go to standard error. While it runs, answers are in"
          + " FILE.part. If it is stopped they stay there, and the same command with --resume goes"
          + " on after them.",
      ""
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done; lines that could not be answered have an error in their place",
      "1:a file or the model could not be read or written",
      "2:the command line was wrong",
      "3:done, but every line has an error"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  orrery run-batch -i docs/examples/batch.jsonl -o answers.jsonl",
      "  orrery run-batch -i docs/examples/batch.jsonl -o answers.jsonl --threads 2",
      "  grep chat docs/examples/batch.jsonl | orrery run-batch -i - -o - | jq .response"
    })
final class RunBatchCommand implements Callable<Integer> {
  @Option(
      names = {"-i", "--input-file"},
      paramLabel = "FILE",
      required = true,
      description = "Requests, one JSON object a line; - is standard input")
  private Path input;

  @Option(
      names = {"-o", "--output-file"},
      paramLabel = "FILE",
      required = true,
      description =
          "Answers, one JSON object a line; replaced when the last one is written. - is standard"
              + " output, which then has nothing else")
  private Path output;

  @ArgGroup private WhatIsLeft left;

  /** The two flags for the part that a stopped run has left. */
  private static final class WhatIsLeft {
    @Option(
        names = "--resume",
        description =
            "Keep the answers in FILE.part, which a stopped run has left, and go on after them."
                + " The input, the model and its flags must be the same")
    private boolean resume;

    @Option(
        names = "--start-over",
        description = "Throw the answers in FILE.part away and begin anew")
    private boolean startOver;
  }

  @Option(
      names = "--enable-prompt-tokens-details",
      description = "Say in each answer how many prompt tokens came from the prefix cache")
  private boolean promptDetails;

  @Option(
      names = "--max-queued-requests",
      paramLabel = "N",
      description =
          "Most requests that wait in the engine; the next lines wait in the file. Default:"
              + " ${DEFAULT-VALUE}")
  private int maxQueued = 4096;

  @Mixin private ModelOption model;
  @Mixin private RandomSeedFlag random;
  @Mixin private EngineFlags flags;

  @ArgGroup(validate = false, order = 13, heading = SharingFlags.HEADING)
  private SharingFlags sharing = new SharingFlags();

  @ArgGroup(validate = false, order = 16, heading = StorageFlags.HEADING)
  private StorageFlags storage = new StorageFlags();

  @Mixin private RecipeFlag recipe;
  @Mixin private TraceFlag trace;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter err = spec.commandLine().getErr();
    CommandFiles files = new CommandFiles(spec.commandLine()).model(model.directory());
    Path asked = Dash.orElse(input, "/dev/stdin");
    Path given = Dash.orElse(output, "/dev/stdout");
    trace.into(recipe.into(files).reads("-i", asked).growsInPart("-o", given)).check();
    OutputFile answers = OutputFile.of(given);
    boolean resume = left != null && left.resume;
    BatchPart part = part(answers, resume);
    EngineOptions options = recipe.applyTo(options(), model.directory());
    new NoEffect(spec).engine(options).tell();
    SpeculationStats stats = new SpeculationStats();
    int total = count(input);
    boolean live = LiveScreen.canDrawOnError(System.getenv("TERM"));
    BatchProgress progress = new BatchProgress(err, live, total);
    try (BatchLines lines = new BatchLines(input);
        TraceSink sink = trace.open();
        LoadedModel loaded = model.load()) {
      BatchTally tally = new BatchTally();
      CustomIds ids = new CustomIds();
      if (resume) {
        part.resume(lines, model.name(), tally, ids);
      }
      // The output is opened last: a run that is refused before leaves no file behind.
      try (Engine engine = Engine.start(loaded, options, stats.and(sink));
          BatchOutput out = new BatchOutput(answers, part.bytes())) {
        new NoEffect(spec).model(engine).tell();
        sink.begin();
        OpenAiRequest.Reader reader = new OpenAiRequest.Reader(loaded, engine.longest());
        boolean synthetic = options.speculation().synthetic();
        BatchResponse responses =
            new BatchResponse(new OpenAiResponse(loaded.tokenizer(), promptDetails, synthetic));
        BatchRun run =
            new BatchRun(
                engine,
                reader,
                random.seed(),
                responses,
                out,
                part,
                ids,
                model.name(),
                tally,
                progress::show);
        boolean resumable = true;
        try {
          run.run(lines);
          out.complete();
        } catch (BatchPart.AnotherRunException e) {
          resumable = false;
          throw e;
        } finally {
          progress.end(tally);
          if (resumable && !out.isComplete()) {
            sayWhatIsKept(answers, tally, total, err);
          }
        }
      }
      err.println(tally.summary());
      DraftLines.of(options.speculation(), stats, 10).forEach(err::println);
      return tally.allFailed() ? Main.ALL_FAILED : 0;
    }
  }

  /** The options that the flags say. */
  EngineOptions options() {
    return storage
        .applyTo(sharing.applyTo(flags.options()))
        .withBatching(b -> b.withMaxQueuedRequests(maxQueued));
  }

  /** The part of an earlier run, whose answers are only thrown away if the user asks for it. */
  private BatchPart part(OutputFile answers, boolean resume) throws IOException {
    if (resume && answers.isStream()) {
      throw new ParameterException(
          spec.commandLine(), "--resume: expected a file of answers, found the stream " + output);
    }
    BatchPart part = new BatchPart(answers.part());
    part.requirePlain();
    if (left == null && !answers.isStream()) {
      part.requireNone();
    }
    return part;
  }

  /** Says, when a run ends early, how many of its answers are kept. */
  private static void sayWhatIsKept(
      OutputFile answers, BatchTally tally, int total, PrintWriter err) {
    if (tally.written() > 0 && !answers.isStream()) {
      err.printf(
          "%s: %d%s lines are answered; the same command with --resume goes on after them%n",
          answers.part(), tally.written(), total < 0 ? "" : " of " + total);
    }
  }

  /** Number of lines to come, for the progress; -1 for a pipe, which can be read only once. */
  private static int count(Path file) throws IOException {
    if (Dash.is(file) || !Files.isRegularFile(file)) {
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
