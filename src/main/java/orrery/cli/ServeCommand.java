package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
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
  private static final String WAIT = "--batch-wait-millis";

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
      names = "--skip-server-warmup",
      description = "Serve at once; the first answers are then slow")
  private boolean cold;

  @ArgGroup(validate = false, order = 5, heading = "%nWho may call, and what a call may cost:%n")
  private ServerFlags server = new ServerFlags();

  @Mixin private EngineFlags flags;

  @ArgGroup(validate = false, order = 13, heading = SharingFlags.HEADING)
  private SharingFlags sharing = new SharingFlags();

  @ArgGroup(validate = false, order = 15, heading = "%nEngine, arrivals:%n")
  private ArrivalFlags arrivals = new ArrivalFlags();

  @Mixin private TraceFlag trace;
  @Spec private CommandSpec spec;

  /** The flags for requests that come one by one. */
  private static final class ArrivalFlags {
    @Option(
        names = "--max-queued-requests",
        paramLabel = "N",
        description = "Most requests that wait; more get 503. Default: ${DEFAULT-VALUE}")
    private int maxQueued = EngineOptions.defaults().batching().maxQueuedRequests();

    @Option(
        names = WAIT,
        paramLabel = "N",
        description =
            "With static: how many milliseconds a batch waits to fill. Default: ${DEFAULT-VALUE}")
    private long wait = EngineOptions.defaults().batching().batchWaitMillis();
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    CommandFiles files = new CommandFiles(spec.commandLine()).model(model.directory());
    trace.into(server.from(files)).check();
    ServerOptions listening = server.options();
    server.deadline(); // refused before a model is loaded
    Options.check(name == null || !name.isBlank(), "served-model-name", "a name", name);
    EngineOptions options = options();
    SchedulePolicy policy = options.batching().schedulePolicy();
    String with = "with " + ScheduleFlags.POLICY + " " + EnumWord.of(policy);
    new NoEffect(spec)
        .engine(options)
        .when(policy != SchedulePolicy.STATIC, with, WAIT)
        .when(!listening.apiKeys().isEmpty(), "with --api-key", "--allow-anyone")
        .tell();
    try (Ending ending = new Ending();
        HttpServer http = HttpServer.listen(listening, this::report)) {
      try {
        return serve(http, listening, options, ending);
      } catch (InterruptedException e) {
        return ending.exitCode();
      }
    }
  }

  /** The options that the flags say. */
  EngineOptions options() {
    return sharing
        .applyTo(flags.options())
        .withBatching(
            b -> b.withMaxQueuedRequests(arrivals.maxQueued).withBatchWaitMillis(arrivals.wait));
  }

  /** Serves until the end; returns the exit code. */
  private int serve(HttpServer http, ServerOptions listening, EngineOptions options, Ending ending)
      throws IOException, InterruptedException {
    say("loading " + model.directory());
    long start = System.nanoTime();
    String served = name == null ? model.name() : name;
    Metrics metrics = new Metrics(served);
    try (TraceSink sink = trace.open();
        Profile profile = server.profile();
        LoadedModel loaded = model.load();
        Engine engine = Engine.start(loaded, options, sink.and(metrics).and(profile))) {
      new NoEffect(spec).model(engine).tell();
      sink.begin();
      if (!cold) {
        say("loaded after " + seconds(start) + "; warming up");
        WarmUp.run(engine, loaded);
      }
      Serving serving = new Serving(engine, loaded, served, cacheReport, server.deadline());
      http.open(routes(serving, metrics, profile));
      say("ready after " + seconds(start));
      announce(served, listening, http.port(), loaded.tokenizer().isPresent());
      try {
        return await(engine, http, ending);
      } catch (InterruptedException e) {
        engine.shutdownNow();
        http.close();
        throw e;
      }
    }
  }

  /** Waits for a signal, or a bug that stops the engine, and then for calls that still run. */
  int await(Engine engine, HttpServer http, Ending ending) throws InterruptedException {
    CompletableFuture<Void> ended = engine.ended();
    ended.exceptionally(
        thrown -> {
          report("the engine stopped", thrown.getCause());
          ending.begin(); // a router must see 503 at /health and send nothing more
          return null;
        });
    ending.await();
    say("ending: new calls are refused, those that run are finished; a second signal stops");
    engine.endPauses(); // what is paused could never finish
    http.drain();
    return ended.isCompletedExceptionally() ? 1 : 0;
  }

  /** Every path that is served. */
  private static Routes routes(Serving serving, Metrics metrics, Profile profile) {
    Routes all = new Routes().get("/health", call -> call.answer(200, "text/plain", new byte[0]));
    new OpenAiRoutes(serving).addTo(all);
    new SglangRoutes(serving).addTo(all);
    new TokenizeRoutes(serving).addTo(all);
    return new ControlRoutes(serving, metrics, profile).addTo(all);
  }

  private void announce(String served, ServerOptions listening, int port, boolean text) {
    String host = listening.host();
    String shown = host.equals("0.0.0.0") || host.equals("::") ? "localhost" : host;
    String address = "http://" + (shown.contains(":") ? "[" + shown + "]" : shown) + ":" + port;
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
    out.flush();
  }

  private void say(String what) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(spec.qualifiedName() + ": " + what);
    err.flush();
  }

  private void report(String call, Throwable bug) {
    PrintWriter err = spec.commandLine().getErr();
    synchronized (err) {
      say(call + ": this is a bug of Orrery, please report it with what follows");
      bug.printStackTrace(err);
      err.flush();
    }
  }

  private static String seconds(long start) {
    return String.format(Locale.ROOT, "%.1f s", (System.nanoTime() - start) / 1e9);
  }
}
