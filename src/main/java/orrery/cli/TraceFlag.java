package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import orrery.observe.TraceSink;
import picocli.CommandLine.Option;

/** The flag that writes the engine's events into a file. */
final class TraceFlag {
  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Write every event of the engine: as JSON lines if FILE ends in .jsonl, else as a trace"
              + " for ui.perfetto.dev")
  private Path file;

  /** Adds the trace to the files of the command. */
  CommandFiles into(CommandFiles files) {
    return files.grows("--trace", file);
  }

  /**
   * The sink, to be closed after the engine.
   *
   * @throws IOException if the file cannot be opened
   */
  TraceSink open() throws IOException {
    return file == null ? TraceSink.NONE : TraceSink.open(file);
  }
}
