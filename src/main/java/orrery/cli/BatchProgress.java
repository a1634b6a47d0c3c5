package orrery.cli;

import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** How far a batch is: one live line in a terminal, elsewhere a line now and then. */
final class BatchProgress {
  private static final long LIVE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long PLAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final PrintWriter err;
  private final boolean live;
  private final int total; // lines, or -1 if unknown
  private long next;

  BatchProgress(PrintWriter err, boolean live, int total) {
    this.err = err;
    this.live = live;
    this.total = total;
    this.next = System.nanoTime() + (live ? 0 : PLAIN_NANOS);
  }

  void show(BatchTally tally) {
    long now = System.nanoTime();
    if (now - next < 0) {
      return;
    }
    next = now + (live ? LIVE_NANOS : PLAIN_NANOS);
    String of = total < 0 ? "" : " of " + total;
    String line = tally.lines() + of + " lines, " + tally.brief();
    err.print(live ? "\r" + line + "\u001b[K" : line + System.lineSeparator());
    err.flush();
  }

  /** Clears the live line. */
  void end() {
    err.print(live ? "\r\u001b[K" : "");
    err.flush();
  }
}
