package orrery.xray;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.engine.WatchedEngine;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;
import orrery.server.Serving;

/**
 * An engine with its page, served in this JVM. All events are recorded here, too, with the books
 * after every step: what the page must show.
 */
final class LivePage implements Told, AutoCloseable {
  private final List<Event> events = new ArrayList<>(); // guarded by itself
  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final LoadedModel loaded;
  private final Feed feed = new Feed();
  private final Serving serving;
  private final HttpServer server;
  private final Xray page;

  /** Starts an engine of a model and serves its page, at a free port. */
  LivePage(Path model, EngineOptions options) throws IOException {
    loaded = LoadedModel.load(model);
    Engines same = new SameEngines(options);
    serving = Serving.of(same.start(options), loaded);
    page = Xray.live(serving, feed, same, "");
    server =
        HttpServer.listen(ServerOptions.defaults().withPort(0), (call, thrown) -> bugs.add(thrown));
    server.open(page.addTo(new Routes()));
  }

  /** Engines with the options of the first one, whatever the flags say. */
  private final class SameEngines implements Engines {
    private final EngineOptions options;

    private SameEngines(EngineOptions options) {
      this.options = options;
    }

    @Override
    public List<Flag> flags() {
      return List.of();
    }

    @Override
    public EngineOptions read(String flags) {
      return options;
    }

    @Override
    public Engine start(EngineOptions asked) {
      return WatchedEngine.start(loaded, asked, new Recorder().and(feed));
    }

    @Override
    public String explained(String message) {
      return message;
    }
  }

  private final class Recorder implements EventSink {
    @Override
    public void accept(Event event) {
      synchronized (events) {
        events.add(event);
      }
    }

    @Override
    public boolean wantsBooks() {
      return true;
    }
  }

  String address() {
    return "http://127.0.0.1:" + server.port() + "/";
  }

  @Override
  public List<Event> events() {
    synchronized (events) {
      return List.copyOf(events);
    }
  }

  /** Answers a request, as a caller who says more than the page does. */
  void answer(Request request) {
    serving.engine().submit(request).join();
  }

  /** Whether the engine has done what it had to do. */
  boolean idle() {
    return events().stream()
        .filter(e -> e instanceof Event.Idle || e instanceof Event.StepDone)
        .reduce((a, b) -> b)
        .filter(Event.Idle.class::isInstance)
        .isPresent();
  }

  /** Bugs of the server. */
  List<Throwable> bugs() {
    return List.copyOf(bugs);
  }

  @Override
  public void close() {
    page.close();
    server.close();
    serving.shutdownNow();
    serving.close();
    loaded.close();
  }
}
