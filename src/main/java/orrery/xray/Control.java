package orrery.xray;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.HeapPlan;
import orrery.engine.PauseMode;
import orrery.engine.Request;
import orrery.engine.RequestException;
import orrery.openai.Fields;
import orrery.server.Call;
import orrery.server.HttpException;
import orrery.server.JsonBytes;
import orrery.server.Routes;
import orrery.server.Serving;

/** What a page does to the engine: it stops and steps it, gives it work, and starts another one. */
final class Control {
  private static final int MOST_STEPS = 1000; // of one call

  private final Serving serving;
  private final Feed feed;
  private final Engines engines;
  private final Loads loads;
  private final OwnPrompts prompts;
  private final Pages pages;
  private final String base; // flags of the first engine
  private String flags; // of the engine that runs; guarded by this, as what follows
  private long own; // number of the pause that is a page's; 0 if there was none
  private List<Engines.Flag> switches; // null before a page asks, as what follows
  private Map<String, EngineOptions> wanted; // options of each load, by its flags

  /**
   * @param feed a sink of every engine that {@code engines} starts
   * @param base flags of the engine that serves now
   * @param later runs what it is given after the time that a page may take to come back
   */
  Control(Serving serving, Feed feed, Engines engines, String base, Executor later) {
    this.serving = serving;
    this.feed = feed;
    this.engines = engines;
    this.loads = new Loads(serving.loaded(), serving.engine().hasWindows());
    this.prompts = new OwnPrompts(serving.loaded(), () -> serving.engine().longest());
    this.base = base;
    this.flags = base;
    this.pages = new Pages(feed.ring(), later, this::deserted);
  }

  /** The pages that are open. */
  Pages pages() {
    return pages;
  }

  /** Adds these routes. */
  Routes addTo(Routes routes) {
    return routes
        .get("/xray/engine", call -> answer(call, this::engine))
        .get("/xray/loads", call -> answer(call, this::loads))
        .post("/xray/pause", this::pause)
        .post("/xray/resume", this::resume)
        .post("/xray/step", this::step)
        .post("/xray/flush", this::flush)
        .post("/xray/prompts", this::prompts)
        .post("/xray/load", this::load)
        .post("/xray/restart", this::restart);
  }

  private static void answer(Call call, JsonBytes.Value value) throws IOException {
    call.answer(200, JsonBytes.TYPE, JsonBytes.of(value));
  }

  private synchronized void engine(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeBooleanField("live", true);
    json.writeStringField("model", serving.name());
    json.writeStringField("flags", flags);
    json.writeStringField("mode", serving.role().mode());
    json.writeBooleanField("paused", feed.pauses().now());
    json.writeBooleanField("tokenizer", serving.loaded().tokenizer().isPresent());
    json.writeArrayFieldStart("options");
    switches = switches == null ? engines.flags() : switches;
    for (Engines.Flag flag : switches) {
      json.writeStartObject();
      json.writeStringField("name", flag.name());
      json.writeStringField("value", flag.value());
      json.writeStringField("help", flag.help());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** Every load, and whether the engine that runs has the switches that show it best. */
  private synchronized void loads(JsonGenerator json) throws IOException {
    EngineOptions now = serving.engine().options();
    if (wanted == null) { // reading flags takes long, and they never change
      wanted = new HashMap<>();
      loads.all().forEach(load -> wanted.computeIfAbsent(load.flags(), engines::read));
    }
    json.writeStartArray();
    for (Load load : loads.all()) {
      json.writeStartObject();
      json.writeStringField("name", load.name());
      json.writeStringField("title", load.title());
      json.writeStringField("look", load.look());
      json.writeStringField("chapter", load.chapter());
      json.writeStringField("flags", Flags.over(base, load.flags()));
      json.writeBooleanField("fits", Flags.has(now, wanted.get(load.flags())));
      json.writeStringField("impossible", loads.impossible(load).orElse(null));
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void pause(Call call) throws IOException {
    call.body();
    pause();
    answer(call, json -> done(json, "paused", true));
  }

  /** Pauses the engine for a page; if none is open or comes, not for long. */
  synchronized void pause() {
    boolean others = feed.pauses().now() && feed.pauses().newest() != own;
    serving.engine().pause(PauseMode.IN_PLACE).join();
    own = others ? own : feed.pauses().newest();
    pages.lookLater();
  }

  private void resume(Call call) throws IOException {
    call.body();
    serving.engine().resume().join();
    answer(call, json -> done(json, "paused", false));
  }

  /**
   * No page is open any more: what a page has stopped goes on, unless another client stopped it.
   */
  private synchronized void deserted() {
    if (feed.pauses().now() && feed.pauses().newest() == own) {
      try {
        serving.engine().resume();
      } catch (RequestException e) {
        if (e.kind() != RequestException.Kind.CLOSED) {
          throw e;
        } // else its pause has ended with it
      }
    }
  }

  private void step(Call call) throws IOException {
    int steps = body(call).intOr("steps", 1);
    if (steps < 1 || steps > MOST_STEPS) {
      throw HttpException.invalid(
          "steps", "steps: expected 1 to " + MOST_STEPS + ", found " + steps);
    }
    int computed = serving.engine().step(steps).join();
    answer(
        call,
        json -> {
          json.writeStartObject();
          json.writeNumberField("steps", computed);
          json.writeEndObject();
        });
  }

  private void flush(Call call) throws IOException {
    call.body();
    boolean flushed = serving.engine().flushCache().join();
    answer(call, json -> done(json, "flushed", flushed));
  }

  private static void done(JsonGenerator json, String what, boolean value) throws IOException {
    json.writeStartObject();
    json.writeBooleanField(what, value);
    json.writeEndObject();
  }

  private static Fields body(Call call) throws IOException {
    return call.body(bytes -> bytes.length == 0 ? Fields.parse("{}") : Fields.parse(bytes));
  }

  private void prompts(Call call) throws IOException {
    serving.requireRoom();
    submit(call, call.body(bytes -> prompts.read(Fields.parse(bytes))));
  }

  private void load(Call call) throws IOException {
    serving.requireRoom();
    Fields body = body(call);
    Load load = loads.get(body);
    OptionalLong seed = body.longOrNone("seed");
    submit(call, loads.requests(load, serving.engine().longest(), seed.orElse(1)));
  }

  /**
   * Submits requests together; no thread waits for them here, since events tell what becomes of
   * them.
   */
  private void submit(Call call, List<Request> requests) throws IOException {
    List<Request> own = requests.stream().map(r -> serving.of(call, r)).toList();
    List<Completion> running = serving.engine().submit(own);
    answer(
        call,
        json -> {
          json.writeStartObject();
          int[] ids = running.stream().mapToInt(Completion::id).toArray(); // [requests]
          json.writeFieldName("requests");
          json.writeArray(ids, 0, ids.length);
          json.writeEndObject();
        });
  }

  private void restart(Call call) throws IOException {
    Fields body = body(call);
    String asked = body.string("flags");
    EngineOptions next;
    try {
      next = engines.read(asked);
    } catch (IllegalArgumentException e) {
      throw HttpException.invalid("flags", "flags: " + e.getMessage());
    }
    try {
      restart(asked, next);
    } catch (IllegalArgumentException | OutOfMemoryError e) {
      throw HttpException.invalid("flags", "flags: " + engines.explained(e.getMessage()));
    }
    answer(
        call,
        json -> {
          json.writeStartObject();
          json.writeStringField("flags", asked);
          json.writeEndObject();
        });
  }

  private synchronized void restart(String asked, EngineOptions next) {
    HeapPlan.requirePossible(serving.loaded(), next); // before anything is cut off
    EngineOptions before = serving.engine().options();
    serving.restart(() -> start(next), () -> start(before));
    flags = asked;
  }

  private Engine start(EngineOptions options) {
    feed.nextRun();
    Engine engine = engines.start(options);
    engine.resume(); // it has something to do, and so the pages see its first keyframe
    return engine;
  }
}
