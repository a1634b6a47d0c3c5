package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import orrery.files.OutputFile;
import orrery.lab.TimelineSvg;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code orrery trace-svg}: a picture of a trace. */
@Command(
    name = "trace-svg",
    header = "Draw a trace as a picture.",
    mixinStandardHelpOptions = true,
    description = {
      "Draws a trace of JSON lines as an SVG file: a lane for each answer, the steps, and the pages"
          + " of the KV cache."
    },
    footerHeading = "%nExample:%n",
    footer = {"  orrery demo --plain --trace demo.jsonl", "  orrery trace-svg demo.jsonl demo.svg"})
final class TraceSvgCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "TRACE", description = "What --trace FILE.jsonl wrote")
  private Path trace;

  @Parameters(index = "1", paramLabel = "SVG", description = "The picture")
  private Path svg;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    new CommandFiles(spec.commandLine()).reads("TRACE", trace).writes("SVG", svg).check();
    String drawn = TimelineSvg.draw(trace, spec.commandLine().getErr()::println);
    OutputFile.of(svg).write(drawn);
    return 0;
  }
}
