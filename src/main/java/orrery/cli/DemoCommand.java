package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.RequestException;
import orrery.observe.SpeculationStats;
import orrery.observe.TraceSink;
import orrery.sampling.SamplingParams;
import orrery.server.ServerOptions;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;
import orrery.text.Tokenizer;
import orrery.xray.DemoPrompts;
import orrery.xray.DemoPrompts.Prompt;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery demo}: the first thing a newcomer runs. */
@Command(
    name = "demo",
    header = "Watch a dozen prompts, or your own, being served at once.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = "orrery demo [PROMPT...] [FLAGS]",
    description = {
      "",
      "Serves a dozen prompts at once. Shows the pages of the KV cache, the requests with the end"
          + " of their text, and every step; then the texts.",
      "If the model has an MTP layer, it drafts; colours show accepted drafts, recovered tokens and"
          + " bonus tokens.",
      "",
      "In a terminal the view is live, without colours if NO_COLOR is set; elsewhere, and if TERM"
          + " is dumb, it is plain lines.",
      ""
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  orrery demo",
      "  orrery demo --page",
      "  orrery demo --schedule-policy static --max-total-tokens 1024",
      "  orrery demo \"Once there was a fox\" \"sort: 5 3 9 =>\" -c \"What is 2 plus 3?\" -n 60"
    })
final class DemoCommand implements Callable<Integer> {
  private static final int MOST_MILLIS = 60_000;

  @Mixin private OwnPrompts own;
  @Mixin private ModelOption model;

  @Option(
      names = "--plain",
      description = "Plain lines instead of the live view, also in a terminal")
  private boolean plain;

  @Option(
      names = "--frame-millis",
      paramLabel = "MS",
      description =
          "How long each frame of the live view stays. A frame shows one step."
              + " Default: ${DEFAULT-VALUE}")
  private int frameMillis = 30;

  @Option(
      names = "--page",
      description =
          "Serve the X-ray page, which shows the same and more, in place of the view. The prompts"
              + " are submitted when a browser has opened it, or after "
              + DemoPage.PATIENCE_SECONDS
              + " s")
  private boolean page;

  @Option(
      names = DemoPage.PORT,
      paramLabel = "N",
      description = "With --page: port to listen at; 0 takes a free one. Default: ${DEFAULT-VALUE}")
  private int port = ServerOptions.defaults().port();

  @Mixin private TraceFlag trace;
  @Mixin private SamplingFlags sampling;
  @Mixin private EngineFlags flags;

  @ArgGroup(validate = false, order = 13, heading = SharingFlags.HEADING)
  private SharingFlags sharing = new SharingFlags();

  @ArgGroup(validate = false, order = 16, heading = StorageFlags.HEADING)
  private StorageFlags storage = new StorageFlags();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (frameMillis < 0 || frameMillis > MOST_MILLIS) {
      throw new IllegalArgumentException(
          "frame-millis: expected 0 to " + MOST_MILLIS + ", found " + frameMillis);
    }
    PrintWriter out = spec.commandLine().getOut();
    CommandFiles files = new CommandFiles(spec.commandLine()).model(model.directory());
    trace.into(own.from(files)).check();
    long start = System.nanoTime();
    SamplingParams params = sampling.params();
    EngineOptions asked =
        options(Algorithm.OFF); // refuses a value out of its range before the model loads
    List<Prompt> given = own.read(params);
    try (TraceSink sink = trace.open();
        LoadedModel loaded = model.load()) {
      EngineOptions options = loaded.model().hasMtp() ? options(Algorithm.MTP) : asked;
      boolean live = !page && !plain && LiveScreen.canDraw(System.getenv("TERM"));
      noEffect(params, options, given.isEmpty(), live).tell();
      DemoWords words = new DemoWords(loaded, options, out);
      words.introduce((System.nanoTime() - start) / 1e6);
      List<Prompt> prompts = given.isEmpty() ? DemoPrompts.of(loaded) : given;
      options =
          options.withBatching(
              b -> b.withMaxQueuedRequests(Math.max(b.maxQueuedRequests(), prompts.size())));
      if (page) {
        return new DemoPage(spec, loaded, options, port).serve(sink, prompts);
      }
      Board board = new Board(show(prompts, loaded, options));
      SpeculationStats stats = new SpeculationStats();
      try (Engine engine = Engine.start(loaded, options, board.and(stats).and(sink))) {
        new NoEffect(spec).model(engine).tell();
        sink.begin();
        List<Completion> completions =
            engine.submit(prompts.stream().map(p -> p.request(loaded)).toList());
        int answered;
        int columns;
        try {
          columns = live ? watch(board, engine, completions) : Integer.MAX_VALUE;
          answered = tell(completions, prompts, options.speculation(), out);
        } finally {
          completions.forEach(Completion::cancel); // else closing the engine waits for their ends
        }
        engine.close(); // then all events are there
        while (board.advance()) {}
        words.conclude(board, answered, stats, columns);
        return answered == prompts.size() ? 0 : 1;
      }
    }
  }

  private EngineOptions options(Algorithm unlessSaid) {
    return storage.applyTo(sharing.applyTo(flags.options(unlessSaid)));
  }

  private NoEffect noEffect(
      SamplingParams params, EngineOptions options, boolean dozen, boolean live) {
    NoEffect notes = new NoEffect(spec).engine(options);
    if (dozen) {
      notes.when(true, "without a prompt of your own", SamplingFlags.names());
    } else {
      notes.sampling(params, options.speculation());
    }
    return notes
        .when(!live, "where the view is not live", "--frame-millis")
        .when(!page, "without --page", DemoPage.PORT);
  }

  private static Board.Show show(List<Prompt> prompts, LoadedModel loaded, EngineOptions options) {
    Tokenizer tokenizer = loaded.requireTokenizer();
    return new Board.Show(
        prompts.stream().map(Prompt::shown).toList(),
        id -> tokenizer.decode(new int[] {id}, false),
        options.speculation().on(),
        Colours.unless(System.getenv("NO_COLOR")));
  }

  /**
   * Shows a step a frame until all requests have ended and all steps were shown.
   *
   * @return columns of the terminal
   */
  private int watch(Board board, Engine engine, List<Completion> completions)
      throws IOException, InterruptedException {
    Optional<LiveScreen> opened = LiveScreen.open();
    if (opened.isEmpty()) {
      return Integer.MAX_VALUE;
    }
    try (LiveScreen screen = opened.get()) {
      boolean more = true;
      while (more) {
        boolean ended = completions.stream().allMatch(Completion::isDone);
        if (ended) {
          engine.close(); // then all events are there
        }
        more = board.advance() || !ended;
        screen.draw(
            new BoardFrame(board, engine.pageTokens(), screen.rows(), screen.columns()).lines());
        Thread.sleep(frameMillis);
      }
      return screen.columns();
    }
  }

  /** Prints each text in its turn; returns how many there are. */
  static int tell(
      List<Completion> completions, List<Prompt> prompts, SpeculationOptions o, PrintWriter out) {
    int answered = 0;
    for (int i = 0; i < completions.size(); i++) {
      Prompt prompt = prompts.get(i);
      String title = (o.synthetic() ? DraftLines.SYNTHETIC : "") + prompt.title();
      try {
        Answer a = completions.get(i).join().getFirst();
        String text = prompt.shown() + a.text().stripTrailing();
        out.printf("%n── %s · %s%n%s%n", title, a.finish().type(), text);
        answered++;
      } catch (RequestException e) {
        if (e.kind() != RequestException.Kind.FAILED) {
          throw e; // the engine is gone
        }
        out.printf("%n── %s · failed%n%s%n%s%n", title, prompt.shown(), e.getMessage());
      }
      out.flush();
    }
    return answered;
  }
}
