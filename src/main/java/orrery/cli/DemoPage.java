package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import orrery.engine.Completion;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.engine.RequestException;
import orrery.observe.TraceSink;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;
import orrery.server.Serving;
import orrery.speculation.SpeculationOptions;
import orrery.xray.DemoPrompts.Prompt;
import orrery.xray.Xray;
import picocli.CommandLine.Model.CommandSpec;

/** The demo in a browser: serves the X-ray page, and its prompts when a page looks. */
final class DemoPage {
  static final String PORT = "--port";
  static final int PATIENCE_SECONDS = 10;

  private final CommandSpec spec;
  private final LoadedModel loaded;
  private final EngineOptions options;
  private final ServerOptions listening;
  private final PrintWriter out;
  private final Reports reports;

  /**
   * @throws IllegalArgumentException if the port is none
   */
  DemoPage(CommandSpec spec, LoadedModel loaded, EngineOptions options, int port) {
    this.spec = spec;
    this.loaded = loaded;
    this.options = options;
    this.listening = ServerOptions.defaults().withPort(port);
    this.out = spec.commandLine().getOut();
    this.reports = new Reports(spec);
  }

  /** Serves the page until a signal comes; returns the exit code. */
  int serve(TraceSink sink, List<Prompt> prompts) throws IOException {
    try (Ending ending = new Ending();
        HttpServer http = HttpServer.listen(listening, reports::bug);
        PageServer page = new PageServer(true, loaded, sink);
        Serving serving = Serving.of(page.start(options), loaded)) {
      new NoEffect(spec).model(serving.engine()).tell();
      sink.begin();
      http.open(page.addTo(serving, flags(), new Routes()));
      String address = PageServer.address(listening.host(), http.port());
      out.println(
          "Open "
              + address
              + "/?from=first&speed=4 in a browser. The prompts wait for it for a while.");
      out.flush();
      try {
        page.await(Duration.ofSeconds(PATIENCE_SECONDS));
        int answered = ask(serving, prompts);
        out.printf("%nThe page is served until Ctrl-C.%n");
        out.flush();
        int code = ServeEnd.await(serving, http, page, ending, reports);
        return answered == prompts.size() ? code : 1;
      } catch (InterruptedException e) {
        serving.shutdownNow();
        return ending.exitCode();
      }
    }
  }

  /**
   * Submits the prompts together and prints each text; returns how many there are.
   *
   * @throws InterruptedException if a signal comes before the last one
   */
  private int ask(Serving serving, List<Prompt> prompts) throws InterruptedException {
    List<Request> requests = prompts.stream().map(p -> Xray.reporting(p.request(loaded))).toList();
    List<Completion> completions = serving.engine().submit(requests);
    try {
      return DemoCommand.tell(completions, prompts, options.speculation(), out);
    } catch (RequestException e) {
      if (e.kind() == RequestException.Kind.INTERRUPTED) {
        Thread.interrupted(); // the exception says it
        throw (InterruptedException) new InterruptedException(e.getMessage()).initCause(e);
      }
      throw e;
    } finally {
      completions.forEach(Completion::cancel); // else closing the engine waits for their ends
    }
  }

  /** The flags of the engine that serves; the demo drafts unless its user says more. */
  private String flags() {
    String given = RestartFlags.given(spec);
    SpeculationOptions s = options.speculation();
    return s.on() && !given.contains(SpeculationFlags.ALGORITHM)
        ? (SpeculationFlags.ALGORITHM + " " + EnumWord.of(s.algorithm()) + " " + given).strip()
        : given;
  }
}
