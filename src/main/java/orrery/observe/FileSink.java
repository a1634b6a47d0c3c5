package orrery.observe;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedWriter;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import orrery.events.Event;
import orrery.files.OutputFile;

/**
 * The common part of the sinks: a buffered file, which the engine's thread writes and another
 * thread closes. Failures wait for {@link #close}.
 */
abstract class FileSink implements TraceSink {
  private static final JsonFactory JSON =
      new JsonFactoryBuilder().rootValueSeparator((String) null).build(); // lines end themselves
  private static final int BUFFER = 1 << 16; // characters: a write every few 100 events

  private static final long FLUSH_NANOS = 1_000_000_000; // what a killed process loses at most

  private final OutputFile file;
  private final boolean created; // by this sink
  private final OutputStream bytes;
  private final JsonGenerator json;
  private Exception failure; // the first; later events are not written
  private boolean begun;
  private boolean closed;
  private long flushed; // time of the event after which the buffer was last flushed

  FileSink(Path path) throws IOException {
    this.file = OutputFile.of(path);
    this.created = !Files.exists(file.target());
    this.bytes = file.open();
    // Not the writer of Files: in this one half a surrogate pair becomes "?", not an exception.
    this.json =
        JSON.createGenerator(
            new BufferedWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8), BUFFER));
  }

  /** Writes one event. */
  abstract void write(Event event, JsonGenerator json) throws IOException;

  /** Writes the end of the file, after the last event. */
  void finish(JsonGenerator json) throws IOException {}

  @Override
  public final synchronized void begin() throws IOException {
    if (!begun && bytes instanceof FileOutputStream old && !file.isStream()) {
      old.getChannel().truncate(0);
    }
    begun = true;
  }

  @Override
  public final synchronized void accept(Event event) {
    if (closed || failure != null) {
      return;
    }
    try {
      begin();
      write(event, json);
      long since = event.nanos() - flushed; // negative: another engine, with a clock of its own
      if (since > FLUSH_NANOS || since < 0) {
        json.flush();
        flushed = event.nanos();
      }
    } catch (IOException | RuntimeException e) { // the engine's thread must not feel it
      failure = e;
    }
  }

  /**
   * Ends the file; later events are not taken. If no run began, the file is as it was before.
   *
   * @throws IOException naming the file, if anything could not be written since it was opened
   */
  @Override
  public final synchronized void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    try (json) {
      if (failure == null && begun) {
        finish(json);
      }
    } catch (IOException | RuntimeException e) {
      failure = failure == null ? e : failure;
    }
    if (!begun && created) {
      Files.deleteIfExists(file.target());
    }
    if (failure != null) {
      throw file.failed(failure);
    }
  }
}
