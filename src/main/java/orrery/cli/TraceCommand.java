package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;
import orrery.xray.Xray;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code orrery trace}: what can be done with a recorded trace. */
@Command(
    name = "trace",
    header = "Show a recorded trace again.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "What can be done with a trace that --trace FILE.jsonl wrote.",
    subcommands = TraceCommand.Replay.class,
    footerHeading = "%nExample:%n",
    footer = {"  orrery demo --plain --trace demo.jsonl", "  orrery trace replay demo.jsonl"})
final class TraceCommand {

  /** {@code orrery trace replay}: the X-ray page of a recorded trace. */
  @Command(
      name = "replay",
      header = "Open a recorded trace in the X-ray page.",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "",
        "Serves the page that orrery serve has, without a model and without an engine: it shows"
            + " what the trace says, and goes back and forth in it.",
        "Ctrl-C ends it.",
        ""
      },
      footerHeading = "%nExample:%n",
      footer = {"  orrery demo --plain --trace demo.jsonl", "  orrery trace replay demo.jsonl"})
  static final class Replay implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "FILE", description = "What --trace FILE.jsonl wrote")
    private Path file;

    @Option(
        names = "--port",
        paramLabel = "N",
        description = "Port to listen at; 0 takes a free one. Default: ${DEFAULT-VALUE}")
    private int port = ServerOptions.defaults().port();

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
      new CommandFiles(spec.commandLine()).reads("FILE", file).check();
      Reports reports = new Reports(spec);
      ServerOptions listening = ServerOptions.defaults().withPort(port);
      try (Ending ending = new Ending();
          HttpServer http = HttpServer.listen(listening, reports::bug);
          Xray page = Xray.replay(file, reports::say)) {
        http.open(page.addTo(new Routes()));
        PrintWriter out = spec.commandLine().getOut();
        String address = PageServer.address(listening.host(), http.port());
        out.println("To see " + file + ", open " + address + "/ in a browser. Ctrl-C ends.");
        out.flush();
        return await(http, page, ending);
      }
    }

    /** Serves until a signal comes. */
    private static int await(HttpServer http, Xray page, Ending ending) {
      try {
        ending.await();
        page.close(); // its streams never end by themselves
        http.drain();
        return 0;
      } catch (InterruptedException e) {
        return ending.exitCode();
      }
    }
  }
}
