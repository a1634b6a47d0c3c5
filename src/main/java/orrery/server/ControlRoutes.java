package orrery.server;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import orrery.engine.PauseMode;
import orrery.observe.Metrics;
import orrery.observe.Profile;
import orrery.openai.Fields;
import orrery.sglang.ServerInfo;

/**
 * What operators, routers and load generators ask of a server beside answers: what it is, how busy
 * it is, metrics; and to empty its prefix cache, to pause, to write a trace. Paths are SGLang's,
 * and vLLM's where SGLang has none.
 */
public final class ControlRoutes {
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final Duration HEALTH_PATIENCE = Duration.ofSeconds(20); // as SGLang
  private static final int LONGEST_SECONDS = 60; // of a wait

  private final Serving serving;
  private final Metrics metrics;
  private final Profile profile;
  private final ServerInfo info;

  /**
   * @param metrics a sink of the engine's
   * @param profile another one, which writes traces on demand
   */
  public ControlRoutes(Serving serving, Metrics metrics, Profile profile) {
    this.serving = serving;
    this.metrics = metrics;
    this.profile = profile;
    this.info =
        new ServerInfo(
            serving.name(),
            serving.loaded(),
            serving::engine,
            metrics,
            version(),
            serving.role().mode());
  }

  private static String version() {
    String version = ControlRoutes.class.getPackage().getImplementationVersion();
    return version == null ? "unpackaged" : version;
  }

  /** Adds these routes. */
  public Routes addTo(Routes routes) {
    return routes
        .getOwn("/health_generate", new HealthCheck(serving, metrics, HEALTH_PATIENCE))
        .get("/model_info", json(info::model))
        .get("/get_model_info", json(info::model))
        .get("/server_info", json(info::server))
        .get("/get_server_info", json(info::server))
        .get("/get_load", json(info::load))
        .get("/v1/loads", this::loads)
        .get("/version", json(ControlRoutes::version))
        .getToTheEnd("/metrics", call -> call.answer(200, Metrics.CONTENT_TYPE, metrics.text()))
        .getOwn("/flush_cache", this::flush)
        .post("/flush_cache", this::flush)
        .post("/reset_prefix_cache", this::flush)
        .post("/pause_generation", this::pause)
        .post("/continue_generation", this::resume)
        .getOwn("/start_profile", this::startProfile)
        .post("/start_profile", this::startProfile)
        .getOwn("/stop_profile", this::stopProfile)
        .post("/stop_profile", this::stopProfile);
  }

  private static Handler json(JsonBytes.Value value) {
    return call -> call.answer(200, JsonBytes.TYPE, JsonBytes.of(value));
  }

  private static void text(Call call, String text) throws IOException {
    call.answer(200, TEXT, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void version(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("version", version());
    json.writeEndObject();
  }

  private void loads(Call call) throws IOException {
    if (call.query("format").filter("prometheus"::equals).isPresent()) {
      call.answer(200, Metrics.CONTENT_TYPE, metrics.text());
    } else {
      call.answer(200, JsonBytes.TYPE, JsonBytes.of(info::loads));
    }
  }

  /** Empties the prefix cache, as soon as no request is there if a timeout says so. */
  private void flush(Call call) throws IOException {
    double seconds = call.query("timeout").map(ControlRoutes::seconds).orElse(0.0);
    Duration patience = Duration.ofNanos((long) (seconds * 1e9));
    call.body(); // from here on the server notices that the client closes
    CompletableFuture<Boolean> flushed =
        patience.isZero() ? serving.engine().flushCache() : serving.engine().flushCache(patience);
    call.onClose(() -> flushed.complete(false));
    if (!flushed.join()) {
      throw HttpException.invalid(
          null, "the cache is not emptied: expected no request that runs or waits, found some");
    }
    text(call, "Cache flushed.\n");
  }

  private static double seconds(String written) {
    try {
      double seconds = Double.parseDouble(written);
      if (seconds >= 0 && seconds <= LONGEST_SECONDS) {
        return seconds;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw HttpException.invalid(
        "timeout",
        "timeout: expected seconds from 0 to "
            + LONGEST_SECONDS
            + ", found "
            + Fields.shown(written));
  }

  private void pause(Call call) throws IOException {
    serving.engine().pause(mode(body(call))).join();
    say(call, "Generation paused.");
  }

  /** SGLang's modes; like SGLang, a pause without a mode aborts what runs. */
  private static PauseMode mode(Fields body) {
    return switch (body.stringOr("mode", "abort")) {
      case "abort" -> PauseMode.ABORT;
      case "retract" -> PauseMode.RETRACT;
      case "in_place" -> PauseMode.IN_PLACE;
      default -> body.fail("mode", "abort, retract or in_place");
    };
  }

  private void resume(Call call) throws IOException {
    call.body();
    serving.engine().resume().join();
    say(call, "Generation continued.");
  }

  private static void say(Call call, String message) throws IOException {
    byte[] body =
        JsonBytes.of(
            json -> {
              json.writeStartObject();
              json.writeStringField("status", "ok");
              json.writeStringField("message", message);
              json.writeEndObject();
            });
    call.answer(200, JsonBytes.TYPE, body);
  }

  /** The fields of the body; none for an empty body, which some clients send. */
  private static Fields body(Call call) throws IOException {
    return call.body(bytes -> bytes.length == 0 ? Fields.parse("{}") : Fields.parse(bytes));
  }

  /** Begins a trace. Where it is written is the server's affair, not the client's. */
  private void startProfile(Call call) throws IOException {
    requireProfile();
    int steps = body(call).intOr("num_steps", 0);
    if (steps < 0) {
      throw HttpException.invalid("num_steps", "num_steps: expected at least 1, found " + steps);
    }
    boolean started;
    try {
      started = profile.start(steps);
    } catch (IOException e) { // of the file, not of the client
      throw unwritten(e);
    }
    if (!started) {
      throw HttpException.invalid(null, "a profile is being written; stop it first");
    }
    text(call, "Start profiling.\n");
  }

  private void stopProfile(Call call) throws IOException {
    requireProfile();
    call.body();
    Optional<Path> file;
    try {
      file = profile.stop();
    } catch (IOException e) { // of the file, not of the client
      throw unwritten(e);
    }
    text(
        call,
        file.map(f -> "Stop profiling. The trace is in " + f.getFileName() + "\n")
            .orElseThrow(() -> HttpException.invalid(null, "no profile is being written")));
  }

  /** The operator is told the file; the client need not know the server's paths. */
  private static HttpException unwritten(IOException why) {
    HttpException told = HttpException.failed("profile: the trace cannot be written");
    told.initCause(why);
    return told;
  }

  private void requireProfile() {
    if (!profile.mayWrite()) {
      throw HttpException.refused(
          404, null, "profile: expected a server started with --profile-dir, found none");
    }
  }
}
