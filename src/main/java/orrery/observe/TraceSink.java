package orrery.observe;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * Takes events until it is closed. A failure to write does not stop the engine. It is remembered,
 * and {@link #close} throws it.
 */
public interface TraceSink extends EventSink, Closeable {
  /** Takes nothing. */
  TraceSink NONE =
      new TraceSink() {
        @Override
        public void accept(Event event) {}

        @Override
        public void begin() {}

        @Override
        public void close() {}
      };

  /**
   * Begins the run: empties the file. The first event does so, too.
   *
   * @throws IOException if the file cannot be emptied
   */
  void begin() throws IOException;

  /**
   * A trace file, which keeps what it holds until the run begins: JSON lines if its name ends in
   * {@code .jsonl}, else a Perfetto trace.
   *
   * @throws IOException if the file cannot be opened
   */
  static TraceSink open(Path file) throws IOException {
    return file.toString().endsWith(".jsonl") ? new JsonLinesSink(file) : new PerfettoSink(file);
  }
}
