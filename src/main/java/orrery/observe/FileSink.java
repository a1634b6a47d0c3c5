package orrery.observe;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import orrery.events.Event;

/**
 * What the sinks share: a buffered file, written on the engine's thread and closed on another, and
 * failures that wait for {@link #close}.
 */
abstract class FileSink implements TraceSink {
  private static final JsonFactory JSON =
      new JsonFactoryBuilder().rootValueSeparator((String) null).build(); // lines end themselves
  private static final int BUFFER = 1 << 16; // characters: a write to the disk every few 100 events

  private final Path file;
  private final JsonGenerator json;
  private Exception failure; // the first; what comes after it is not written
  private boolean closed;

  FileSink(Path file) throws IOException {
    this.file = file;
    this.json = JSON.createGenerator(open(file));
  }

  /** A writer of ours, not Files' own: half a surrogate pair becomes "?", not an exception. */
  private static Writer open(Path file) throws IOException {
    try {
      return new BufferedWriter(
          new OutputStreamWriter(Files.newOutputStream(file), StandardCharsets.UTF_8), BUFFER);
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": expected a file in an existing directory", e);
    } catch (IOException e) {
      throw new IOException(file + ": cannot be written: " + e.getMessage(), e);
    }
  }

  /** Writes one event. */
  abstract void write(Event event, JsonGenerator json) throws IOException;

  /** Writes what is still to be written when nothing more comes. */
  void finish(JsonGenerator json) throws IOException {}

  @Override
  public final synchronized void accept(Event event) {
    if (closed || failure != null) {
      return;
    }
    try {
      write(event, json);
    } catch (IOException | RuntimeException e) { // the engine's thread must not feel it
      failure = e;
    }
  }

  /**
   * Ends the file; later events are not taken.
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
      if (failure == null) {
        finish(json);
      }
    } catch (IOException | RuntimeException e) {
      failure = failure == null ? e : failure;
    }
    if (failure != null) {
      throw new IOException(file + ": cannot be written: " + failure.getMessage(), failure);
    }
  }
}
