package orrery.engine;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * How callers stop an engine: for a while, which is a pause, or for good. Then its requests are
 * finished, or cut off.
 */
final class Lifecycle {
  private final EngineCore core;
  private final EngineThread thread;
  private boolean pausable = true; // guarded by this
  private boolean cutOff; // whether a request was; written by the engine's thread

  Lifecycle(EngineCore core, EngineThread thread) {
    this.core = core;
    this.thread = thread;
  }

  /**
   * Begins a pause, between two steps.
   *
   * @throws RequestException if the engine is closed, or after {@link #endPauses}
   */
  synchronized CompletableFuture<Void> pause(PauseMode mode) {
    if (!pausable) {
      String why = "the engine finishes what it has, and pauses no more";
      throw new RequestException(RequestException.Kind.CLOSED, why);
    }
    return thread.ask(() -> core.pause(mode));
  }

  /** Ends a pause, and refuses any later one. */
  synchronized void endPauses() {
    pausable = false;
    thread.post(core::resume);
  }

  /**
   * Finishes all requests and waits for that. If the waiting thread is interrupted, they fail
   * instead.
   */
  void finish() {
    boolean interrupted = false;
    boolean waits = thread.drain();
    while (waits) {
      try {
        thread.awaitEnd();
        waits = false;
      } catch (InterruptedException e) {
        interrupted = true;
        RuntimeException why = new IllegalStateException("the engine was interrupted");
        thread.post(() -> core.requests().failAll(why));
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Finishes the requests that it can in the given time, cuts the others off, and waits for that.
   *
   * @return whether no request was cut off; false on the engine's own thread, which cannot wait
   */
  boolean finish(Duration patience) {
    boolean finished = false;
    boolean interrupted = false;
    boolean waits = thread.drain();
    if (waits) {
      try {
        finished = thread.awaitEnd(TimeUnit.NANOSECONDS.convert(patience));
      } catch (InterruptedException e) {
        interrupted = true; // cut the requests off now
      }
    }
    if (!finished) {
      cutOff();
    }
    finish();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return waits && !cutOff;
  }

  /** Cuts all requests off, and does not wait for that. */
  void cutOff() {
    thread.drain(() -> cutOff |= core.requests().cancelAll("shutdown"));
  }
}
