package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.batching.SchedulePolicy;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.observe.Metrics;
import orrery.observe.Profile;
import orrery.observe.TraceSink;
import orrery.options.Options;
import orrery.server.ControlRoutes;
import orrery.server.HttpServer;
import orrery.server.OpenAiRoutes;
import orrery.server.Role;
import orrery.server.Routes;
import orrery.server.ServerOptions;
import orrery.server.Serving;
import orrery.server.SglangRoutes;
import orrery.server.TokenizeRoutes;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery serve}: the engine behind HTTP. */
@Command(
    name = "serve",
    header = "Serve a model over HTTP, to clients of OpenAI's API and of SGLang's.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = "orrery serve [FLAGS]",
    description = {
      "",
      "Loads a model, computes a few tokens so that the first client need not wait for the JIT, and"
          + " then prints the address and a command to try.",
      "",
      "Ctrl-C or SIGTERM: new calls are refused, those that run are finished, and the exit code is"
          + " 0. A second signal stops at once.",
      ""
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:ended by a signal; every call was answered",
      "1:the address or the model could not be used, or the engine stopped because of a bug",
      "2:the command line was wrong",
      "130, 143:stopped by a second signal, or before it served"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  orrery serve",
      "  orrery serve --threads 2 --speculative-algorithm mtp --speculative-num-steps 3",
      "  orrery serve --host 0.0.0.0 --api-key \"$KEY\""
    })
final class ServeCommand implements Callable<Integer> {
  @Mixin private ModelOption model;

  @Option(
      names = "--served-model-name",
      paramLabel = "NAME",
      description = "What clients call the model. Default: the name of its directory")
  private String name;

  @Option(
      names = "--enable-cache-report",
      description = "Say in each answer how many prompt tokens came from the prefix cache")
  private boolean cacheReport;

  @Option(
      names = "--xray",
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description =
          "Serve the page that shows the engine at work, with all prompts and answers, at / of the"
              + " server. Default: on with one key, or without a key at a loopback address; else"
              + " off")
  private Boolean xray; // null: not said

  @Option(
      names = "--skip-server-warmup",
      description = "Serve at once; the first answers are then slow")
  private boolean cold;

  @ArgGroup(validate = false, order = 5, heading = "%nWho may call, and what a call may cost:%n")
  private ServerFlags server = new ServerFlags();

  @Mixin private RandomSeedFlag random;
  @Mixin private EngineFlags flags;

  @ArgGroup(validate = false, order = 13, heading = SharingFlags.HEADING)
  private SharingFlags sharing = new SharingFlags();

  @ArgGroup(validate = false, order = 16, heading = StorageFlags.HEADING)
  private StorageFlags storage = new StorageFlags();

  @ArgGroup(validate = false, order = 15, heading = ArrivalFlags.HEADING)
  private ArrivalFlags arrivals = new ArrivalFlags();

  @ArgGroup(validate = false, order = 17, heading = DisaggregationFlags.HEADING)
  private DisaggregationFlags disaggregation = new DisaggregationFlags();

  @Mixin private RecipeFlag recipe;
  @Mixin private TraceFlag trace;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    CommandFiles files = new CommandFiles(spec.commandLine()).model(model.directory());
    trace.into(server.from(recipe.into(files))).check();
    ServerOptions listening = server.options();
    disaggregation.check();
    server.deadline(); // refused before a model is loaded
    Options.check(name == null || !name.isBlank(), "served-model-name", "a name", name);
    EngineOptions options = recipe.applyTo(options(), model.directory());
    SchedulePolicy policy = options.batching().schedulePolicy();
    String with = "with " + ScheduleFlags.POLICY + " " + EnumWord.of(policy);
    new NoEffect(spec)
        .engine(options)
        .when(policy != SchedulePolicy.STATIC, with, ArrivalFlags.WAIT)
        .when(!listening.apiKeys().isEmpty(), "with --api-key", "--allow-anyone")
        .when(
            disaggregation.whole(),
            "without " + DisaggregationFlags.MODE,
            DisaggregationFlags.HOST,
            DisaggregationFlags.PORT,
            DisaggregationFlags.PREFILL_HOSTS,
            DisaggregationFlags.RESERVED,
            DisaggregationFlags.BOOTSTRAP,
            DisaggregationFlags.WAITING)
        .when(
            !disaggregation.whole(),
            "without whole requests: one without a seed takes its room for it",
            "--random-seed")
        .when(
            disaggregation.prefill(),
            "with " + DisaggregationFlags.MODE + " prefill",
            DisaggregationFlags.PREFILL_HOSTS,
            DisaggregationFlags.RESERVED)
        .when(
            disaggregation.decode(),
            "with " + DisaggregationFlags.MODE + " decode",
            DisaggregationFlags.HOST,
            DisaggregationFlags.BOOTSTRAP)
        .tell();
    try (Ending ending = new Ending();
        HttpServer http = HttpServer.listen(listening, reports()::bug)) {
      try {
        return serve(http, listening, options, ending);
      } catch (InterruptedException e) {
        return ending.exitCode();
      }
    }
  }

  /** The options that the flags say. */
  EngineOptions options() {
    return arrivals.applyTo(storage.applyTo(sharing.applyTo(flags.options())));
  }

  /** Serves until the end; returns the exit code. */
  private int serve(HttpServer http, ServerOptions listening, EngineOptions options, Ending ending)
      throws IOException, InterruptedException {
    reports().say("loading " + model.directory());
    long start = System.nanoTime();
    String served = name == null ? model.name() : name;
    Metrics metrics = new Metrics(served);
    try (TraceSink sink = trace.open();
        Profile profile = server.profile();
        LoadedModel loaded = model.load();
        PageServer page = new PageServer(xray(listening), loaded, sink.and(metrics).and(profile));
        Serving serving = serving(start(page, options), loaded, served)) {
      new NoEffect(spec).model(serving.engine()).tell();
      sink.begin();
      if (!cold) {
        reports().say("loaded after " + seconds(start) + "; warming up");
        warmUp(serving.engine(), options);
        WarmUp.run(serving.engine(), loaded);
        page.forget();
      }
      String given = RestartFlags.given(spec) + recipe.words();
      http.open(page.addTo(serving, given, routes(serving, metrics, profile)));
      reports().say("ready after " + seconds(start));
      announce(served, listening, http.port(), loaded.tokenizer().isPresent());
      try {
        return ServeEnd.await(serving, http, page, ending, reports());
      } catch (InterruptedException e) {
        serving.shutdownNow();
        http.close();
        throw e;
      }
    }
  }

  /** Starts the engine, and shows its warm-up if the user wants one before everything else. */
  private Engine start(PageServer page, EngineOptions options) throws IOException {
    try (WarmUpProgress progress = new WarmUpProgress(spec)) {
      return page.start(options, progress);
    }
  }

  /** Runs every bucket, unless the engine did that at its start or the user does not want it. */
  private void warmUp(Engine engine, EngineOptions options) throws IOException {
    if (!options.compute().warmup() && !new FlagNames(spec).given(ComputeFlags.WARMUP)) {
      try (WarmUpProgress progress = new WarmUpProgress(spec)) {
        engine.warmUpNow(progress); // not while a caller of the page is there already
      }
    }
  }

  /** Whether the page is served: unless asked for, it shows no caller's prompts to another one. */
  boolean xray(ServerOptions listening) {
    if (xray != null) {
      return xray;
    }
    int keys = listening.apiKeys().size();
    return keys == 1 || keys == 0 && listening.isLoopback();
  }

  private Serving serving(Engine engine, LoadedModel loaded, String served) throws IOException {
    try {
      Role role = disaggregation.role(engine, loaded.directory());
      return new Serving(
          engine, loaded, served, cacheReport, server.deadline(), random.seed(), role);
    } catch (IOException | RuntimeException e) {
      engine.close();
      throw e;
    }
  }

  /** Every path that is served, but the page's. */
  private static Routes routes(Serving serving, Metrics metrics, Profile profile) {
    Routes all = new Routes().get("/health", call -> call.answer(200, "text/plain", new byte[0]));
    new OpenAiRoutes(serving).addTo(all);
    new SglangRoutes(serving).addTo(all);
    new TokenizeRoutes(serving).addTo(all);
    return new ControlRoutes(serving, metrics, profile).addTo(all);
  }

  private void announce(String served, ServerOptions listening, int port, boolean text) {
    String address = PageServer.address(listening.host(), port);
    String key = listening.apiKeys().isEmpty() ? "" : " -H 'Authorization: Bearer KEY'";
    String prompt = text ? "\"Once upon a time there was a\"" : "[1, 2, 3]";
    PrintWriter out = spec.commandLine().getOut();
    out.println(served + " is served at " + address + ". To try it:");
    out.println(
        "curl "
            + address
            + "/v1/completions -H 'Content-Type: application/json'"
            + key
            + " -d '{\"prompt\": "
            + prompt
            + ", \"max_tokens\": 60}'");
    if (xray(listening)) {
      out.println("To see the engine at work, open " + address + "/ in a browser.");
    }
    out.flush();
  }

  private Reports reports() {
    return new Reports(spec);
  }

  private static String seconds(long start) {
    return String.format(Locale.ROOT, "%.1f s", (System.nanoTime() - start) / 1e9);
  }
}
