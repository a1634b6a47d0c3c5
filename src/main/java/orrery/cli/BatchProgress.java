package orrery.cli;

import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** The progress of a batch: one live line in a terminal, elsewhere a line now and then. */
final class BatchProgress {
  private static final long LIVE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long PLAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final int LONGEST = 200; // characters of a failure

  private final PrintWriter err;
  private final boolean live;
  private final int total; // lines, or -1 if unknown
  private long next;
  private int shown; // of the first failures

  BatchProgress(PrintWriter err, boolean live, int total) {
    this.err = err;
    this.live = live;
    this.total = total;
    this.next = System.nanoTime() + (live ? 0 : PLAIN_NANOS);
  }

  void show(BatchTally tally) {
    showFailures(tally);
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

  /**
   * Shows the first failures as they come, so that the user can stop a file that is wrong as a
   * whole.
   */
  private void showFailures(BatchTally tally) {
    for (; shown < tally.firstFailures().size(); shown++) {
      clear();
      String why = tally.firstFailures().get(shown);
      err.println(why.length() <= LONGEST ? why : why.substring(0, LONGEST) + "…");
      err.flush();
    }
  }

  /** Shows the failures that were not shown yet, and clears the live line. */
  void end(BatchTally tally) {
    showFailures(tally);
    clear();
  }

  private void clear() {
    err.print(live ? "\r\u001b[K" : "");
    err.flush();
  }
}
