package orrery.cli;

import java.time.Duration;
import java.util.List;
import java.util.function.IntConsumer;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.offload.OffloadOptions;
import orrery.server.Routes;
import orrery.server.Serving;
import orrery.xray.Engines;
import orrery.xray.Feed;
import orrery.xray.Xray;

/** What a command that serves the X-ray page needs: engines whose events the page gets. */
final class PageServer implements AutoCloseable, Engines {
  private final LoadedModel loaded;
  private final EventSink sink;
  private final Feed feed; // null without a page
  private OffloadOptions first; // of the first engine; null before it
  private Xray page; // null before addTo, and without a page

  /**
   * @param on whether the page is served
   * @param sink gets the events of every engine, too
   */
  PageServer(boolean on, LoadedModel loaded, EventSink sink) {
    this.loaded = loaded;
    this.feed = on ? new Feed() : null;
    this.sink = on ? sink.and(feed) : sink;
  }

  @Override
  public List<Flag> flags() {
    return RestartFlags.all();
  }

  /** The page says which switches; no page says which files. */
  @Override
  public EngineOptions read(String flags) {
    EngineOptions asked = RestartFlags.read(RestartFlags.words(flags));
    return first == null ? asked : asked.withOffload(o -> o.filesOf(first));
  }

  @Override
  public Engine start(EngineOptions options) {
    return start(options, rows -> {});
  }

  /** Starts an engine, and tells how its warm-up gets on if the options want one. */
  Engine start(EngineOptions options, IntConsumer warming) {
    first = first == null ? options.offload() : first;
    return Engine.start(loaded, options, sink, warming);
  }

  @Override
  public String explained(String message) {
    return RestartFlags.explained(message);
  }

  /**
   * Adds the page's routes, if there is a page.
   *
   * @param flags of the engine that serves
   */
  Routes addTo(Serving serving, String flags, Routes routes) {
    if (feed == null) {
      return routes;
    }
    page = Xray.live(serving, feed, this, flags);
    return page.addTo(routes);
  }

  /** Pages show nothing of what has happened so far: they begin with the newest keyframe. */
  void forget() {
    if (feed != null) {
      feed.forget();
    }
  }

  /** Waits for the first page; returns whether one has come. */
  boolean await(Duration patience) throws InterruptedException {
    return page.await(patience);
  }

  /** Ends the stream of every page. */
  @Override
  public void close() {
    if (page != null) {
      page.close();
    } else if (feed != null) {
      feed.close();
    }
  }

  /** The address of a server, as a browser of this machine takes it. */
  static String address(String host, int port) {
    String shown = host.equals("0.0.0.0") || host.equals("::") ? "localhost" : host;
    return "http://" + (shown.contains(":") ? "[" + shown + "]" : shown) + ":" + port;
  }
}
