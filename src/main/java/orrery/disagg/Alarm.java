package orrery.disagg;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Rings if what a room waits for takes too long. It is set for one thing at a time. */
final class Alarm {
  private CompletableFuture<Boolean> set = new CompletableFuture<>(); // guarded by this

  /**
   * Rings after some time, on a thread of its own, unless it is set again or {@link #off} before.
   * Then nothing of it stays in memory.
   */
  synchronized void in(Duration time, Runnable ring) {
    off();
    set = new CompletableFuture<>();
    set.thenAcceptAsync(_ -> ring.run(), Thread.ofVirtual().name("orrery-room-alarm")::start);
    set.completeOnTimeout(true, time.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** It does not ring any more. */
  synchronized void off() {
    set.cancel(false);
  }
}
