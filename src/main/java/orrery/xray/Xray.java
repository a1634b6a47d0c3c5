package orrery.xray;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import orrery.engine.Request;
import orrery.server.Call;
import orrery.server.Handler;
import orrery.server.HttpException;
import orrery.server.JsonBytes;
import orrery.server.Routes;
import orrery.server.Serving;

/**
 * The X-ray page of a server: files for the browser, the stream of events, and what a page may do.
 *
 * <pre>{@code
 * Feed feed = new Feed();
 * Engine engine = Engine.start(loaded, options, feed);
 * Serving serving = Serving.of(engine, loaded);
 * try (Xray page = Xray.live(serving, feed, engines, "")) {
 *   server.open(page.addTo(new Routes()));
 *   ...
 *   page.close(); // ends the pages' streams, so that the server can drain
 *   server.drain();
 * }
 * }</pre>
 */
public final class Xray implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(5); // to load a page again

  private static final List<String> CONTROLS =
      List.of("pause", "resume", "step", "flush", "prompts", "load", "restart");

  private final Pages pages;
  private final Runnable end;
  private final Consumer<Routes> control;

  private Xray(Pages pages, Runnable end, Consumer<Routes> control) {
    this.pages = pages;
    this.end = end;
    this.control = control;
  }

  /**
   * A page of the engine that serves.
   *
   * @param feed a sink of that engine, and of every engine that {@code engines} starts
   * @param flags of that engine, as on the command line
   */
  public static Xray live(Serving serving, Feed feed, Engines engines, String flags) {
    Control control = new Control(serving, feed, engines, flags, afterGrace());
    return new Xray(control.pages(), feed::close, control::addTo);
  }

  /**
   * A page of a recorded trace, without an engine.
   *
   * @param remarks is told if the trace is cut short
   * @throws IOException naming the file, the line and the field, if one is not as Orrery writes it
   */
  public static Xray replay(Path trace, Consumer<String> remarks) throws IOException {
    Trace read = Trace.read(trace, remarks);
    return new Xray(
        new Pages(read.ring(), afterGrace(), () -> {}),
        read.ring()::close,
        routes -> recorded(read, routes));
  }

  private static Executor afterGrace() {
    return CompletableFuture.delayedExecutor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** The same request, which also reports the log-probabilities that the page shows. */
  public static Request reporting(Request request) {
    return OwnPrompts.told(request);
  }

  /** Answers what only an engine could do with 409. */
  private static void recorded(Trace trace, Routes routes) {
    routes.get("/xray/engine", call -> describe(call, trace));
    routes.get(
        "/xray/loads",
        call -> call.answer(200, JsonBytes.TYPE, "[]".getBytes(StandardCharsets.UTF_8)));
    Handler refused =
        call -> {
          throw HttpException.refused(
              409, null, "the page shows a recorded trace: there is no engine to do this");
        };
    CONTROLS.forEach(name -> routes.post("/xray/" + name, refused));
  }

  private static void describe(Call call, Trace trace) throws IOException {
    byte[] answer =
        JsonBytes.of(
            json -> {
              json.writeStartObject();
              json.writeBooleanField("live", false);
              json.writeStringField("model", trace.model());
              json.writeStringField("file", trace.name());
              json.writeEndObject();
            });
    call.answer(200, JsonBytes.TYPE, answer);
  }

  /** Adds the routes: {@code /}, {@code /xray/…} and {@code /docs/…}. */
  public Routes addTo(Routes routes) {
    control.accept(routes);
    return routes
        .getOwn("/xray/events", pages::answer)
        .getFree("/", call -> Assets.answer(call, "index.html"))
        .getFree("/favicon.ico", call -> Assets.answer(call, "icon.svg"))
        .getFree("/xray/{file}", call -> Assets.answer(call, call.parameter()))
        .getFree("/docs/{file}", Chapters::answer);
  }

  /**
   * Waits for the first page to open.
   *
   * @return whether one has
   */
  public boolean await(Duration patience) throws InterruptedException {
    return pages.await(patience);
  }

  /** Pages that are open. */
  public int pages() {
    return pages.open();
  }

  /** Ends the stream of every page. */
  @Override
  public void close() {
    pages.close();
    end.run();
  }
}
