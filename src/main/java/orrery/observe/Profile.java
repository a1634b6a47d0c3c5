package orrery.observe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * Writes Perfetto traces of parts of a run, on demand: {@code profile-1.json} and so on, in one
 * directory. Between them an event costs one volatile read.
 */
public final class Profile implements EventSink, AutoCloseable {
  private final Optional<Path> directory;
  private volatile PerfettoSink sink; // null while no trace is written
  private Path file; // of the latest trace, until it is told; guarded by this, as what follows
  private IOException failure; // why the latest trace is not whole
  private int traces;
  private long steps; // until the trace ends by itself; 0 for never

  /**
   * @param directory that is there already; empty if no traces may be written
   */
  public Profile(Optional<Path> directory) {
    this.directory = directory;
  }

  /** Whether traces may be written. */
  public boolean mayWrite() {
    return directory.isPresent();
  }

  @Override
  public void accept(Event event) {
    PerfettoSink writes = sink;
    if (writes != null) {
      writes.accept(event); // a sink that was closed meanwhile ignores it
      if (event instanceof Event.StepDone) {
        stepped();
      }
    }
  }

  private synchronized void stepped() {
    if (steps > 0 && --steps == 0) {
      end();
    }
  }

  /**
   * Begins a trace.
   *
   * @param numSteps after so many steps it ends by itself; 0 for never
   * @return false if one is being written already
   * @throws IOException if the file cannot be written
   */
  public synchronized boolean start(int numSteps) throws IOException {
    if (sink != null) {
      return false;
    }
    int number = traces;
    Path next;
    do { // never over an earlier run's
      next = directory.orElseThrow().resolve("profile-" + ++number + ".json");
    } while (Files.exists(next));
    PerfettoSink opened = begun(next);
    traces = number;
    file = next; // only now: if this one cannot be written, the one before may still be told
    failure = null;
    steps = numSteps;
    sink = opened;
    return true;
  }

  private static PerfettoSink begun(Path file) throws IOException {
    PerfettoSink opened = new PerfettoSink(file);
    try {
      opened.begin();
      return opened;
    } catch (IOException | RuntimeException | Error e) {
      try (opened) {
        throw e; // what closing throws is added to it
      }
    }
  }

  /**
   * Ends the trace, unless it has ended by itself.
   *
   * @return its file; empty if there is none since the call before
   * @throws IOException if it could not be written
   */
  public synchronized Optional<Path> stop() throws IOException {
    end();
    Optional<Path> told = Optional.ofNullable(file);
    file = null;
    if (failure != null) {
      IOException why = failure;
      failure = null;
      throw why;
    }
    return told;
  }

  /** The engine's thread comes here too, so a failure is remembered and not thrown. */
  private void end() {
    PerfettoSink ends = sink;
    sink = null;
    steps = 0;
    if (ends != null) {
      try {
        ends.close();
      } catch (IOException e) {
        failure = e;
      }
    }
  }

  @Override
  public void close() throws IOException {
    stop();
  }
}
