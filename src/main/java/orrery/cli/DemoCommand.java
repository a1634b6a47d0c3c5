package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.model.ModelInfo;
import orrery.observe.SpeculationStats;
import orrery.observe.TraceSink;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;
import orrery.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery demo}: the first thing a newcomer runs. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Serves a dozen prompts at once with the model that ships with Orrery, and shows how: the"
          + " pages of the KV cache, the requests with the end of their text, and every step.",
      "If the model has an MTP layer, it drafts: tokens are coloured by what became of the drafts.",
      "",
      "In a terminal the view is live, without colours if NO_COLOR is set; elsewhere it is plain"
          + " lines."
    })
final class DemoCommand implements Callable<Integer> {
  @Mixin private ModelOption model;
  @Mixin private EngineFlags flags;
  @Mixin private TraceFlag trace;

  @Option(
      names = "--plain",
      description = "Plain lines instead of the live view, also in a terminal")
  private boolean plain;

  @Option(
      names = "--frame-millis",
      paramLabel = "MS",
      defaultValue = "30",
      description =
          "The live view shows one step a frame, so slower than it ran; a frame stays this long."
              + " Default: ${DEFAULT-VALUE}")
  private long frameMillis;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    trace.into(new CommandFiles(spec.commandLine()).model(model.directory())).check();
    long start = System.nanoTime();
    try (TraceSink sink = trace.open();
        LoadedModel loaded = model.load()) {
      EngineOptions options =
          flags.options(loaded.model().hasMtp() ? Algorithm.MTP : Algorithm.OFF);
      introduce(loaded.model().info(), loaded, (System.nanoTime() - start) / 1e6, out);
      introduce(options.speculation(), out);
      List<DemoPrompts.Prompt> prompts = DemoPrompts.all();
      boolean live = !plain && System.console() != null && System.console().isTerminal();
      Board board = new Board(show(prompts, loaded, options));
      SpeculationStats stats = new SpeculationStats();
      try (Engine engine = flags.start(loaded, options, board.and(stats).and(sink))) {
        sink.begin();
        List<Completion> completions =
            engine.submit(prompts.stream().map(p -> p.request(loaded)).toList());
        List<Answer> answers;
        try {
          answers =
              live
                  ? watch(board, engine, completions, out)
                  : listen(board, engine, completions, prompts, out);
        } finally {
          completions.forEach(Completion::cancel); // or closing the engine waits for their ends
        }
        conclude(loaded.model().info(), board, answers, engine, out);
        conclude(options.speculation(), stats, out);
        out.println(
            "Next: orrery generate --help · orrery inspect · orrery run-batch --help ·"
                + " docs/README.md");
        out.flush();
      }
      return 0;
    }
  }

  private static void introduce(
      ModelInfo info, LoadedModel loaded, double millis, PrintWriter out) {
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

  private static void introduce(SpeculationOptions o, PrintWriter out) {
    if (o.synthetic()) {
      out.println(DraftLines.SYNTHETIC + "an experiment.");
    }
    if (o.on()) {
      out.printf(
          "Drafts: up to %d a step, by %s (--speculative-algorithm off: none).%n",
          o.steps(), name(o));
    }
    out.flush();
  }

  private static Board.Show show(
      List<DemoPrompts.Prompt> prompts, LoadedModel loaded, EngineOptions options) {
    Tokenizer tokenizer = loaded.requireTokenizer();
    return new Board.Show(
        prompts.stream().map(DemoPrompts.Prompt::shown).toList(),
        id -> tokenizer.decode(new int[] {id}, false),
        options.speculation().on(),
        Colours.unless(System.getenv("NO_COLOR")));
  }

  private List<Answer> watch(
      Board board, Engine engine, List<Completion> completions, PrintWriter out)
      throws InterruptedException {
    int lines = 0;
    boolean done = false;
    while (!done) {
      boolean over = completions.stream().allMatch(Completion::isDone);
      if (over) {
        engine.close(); // then all events are there
      }
      boolean advanced = board.advance();
      done = over && !advanced;
      String frame = board.frame(engine.options().pageSize());
      out.print(lines == 0 ? "" : "\u001b[" + lines + "A");
      out.print(frame + "\u001b[J");
      out.flush();
      lines = (int) frame.chars().filter(ch -> ch == '\n').count();
      Thread.sleep(frameMillis);
    }
    List<Answer> answers = new ArrayList<>();
    completions.forEach(c -> answers.addAll(c.join()));
    return answers;
  }

  private static List<Answer> listen(
      Board board,
      Engine engine,
      List<Completion> completions,
      List<DemoPrompts.Prompt> prompts,
      PrintWriter out) {
    List<Answer> answers = new ArrayList<>();
    for (int i = 0; i < completions.size(); i++) {
      Answer a = completions.get(i).join().getFirst();
      answers.add(a);
      out.printf(
          "%n── %s%s · %s%n%s%s%n",
          engine.options().speculation().synthetic() ? DraftLines.SYNTHETIC : "",
          prompts.get(i).title(),
          a.finish().type(),
          prompts.get(i).shown(),
          a.text().stripTrailing());
      out.flush();
    }
    engine.close(); // then all events are there
    while (board.advance()) {}
    out.printf("%nThe steps, as the engine reported them:%n%s", board.stepLines(14));
    return answers;
  }

  private static void conclude(
      ModelInfo info, Board board, List<Answer> answers, Engine engine, PrintWriter out) {
    Board.Totals t = board.totals();
    double seconds = t.busyNanos() / 1e9;
    out.printf(
        Locale.ROOT,
        "%n%d requests in %d steps and %.2f s of computing on %d thread%s: %d prompt rows (%d more"
            + " came from the prefix cache), %d answer tokens, %.0f tok/s, at most %d at once.%n",
        answers.size(),
        t.steps(),
        seconds,
        engine.options().threads(),
        engine.options().threads() == 1 ? "" : "s",
        t.prefillRows(),
        t.hitTokens(),
        t.outputTokens(),
        t.outputTokens() / seconds,
        t.mostRunning());
    out.printf(
        Locale.ROOT,
        "In the second half of the steps, with the JIT done: %.0f tok/s.%n",
        board.warmRate());
    out.printf(
        Locale.ROOT,
        "One decoded token alone would read %.1f MB of weights; a step of %.1f rows on average"
            + " reads them once for all its rows.%n",
        info.activeBytes() / 1e6,
        (double) t.rows() / Math.max(1, t.steps()));
  }

  private static void conclude(SpeculationOptions o, SpeculationStats stats, PrintWriter out) {
    DraftLines.of(o, stats, 7).forEach(out::println);
    if (stats.verifications() > 0) {
      out.printf(
          Locale.ROOT,
          "%sWith drafts by %s, an answer took a step of the main model for every %.2f tokens;"
              + " without, for every one.%n",
          o.synthetic() ? DraftLines.SYNTHETIC : "",
          name(o),
          1 / stats.stepsPerToken());
    }
  }

  private static String name(SpeculationOptions o) {
    return switch (o.algorithm()) {
      case MTP -> "the MTP layer";
      case NGRAM -> "prompt lookup";
      case OFF -> "nobody";
    };
  }
}
