package orrery.cli;

import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import orrery.lab.Quantize;

/** Says now and then on standard error how far a long conversion is. */
final class QuantizeProgress implements Quantize.Progress {
  private static final long NANOS = TimeUnit.SECONDS.toNanos(5);

  private final PrintWriter err;
  private long next = System.nanoTime() + NANOS;

  QuantizeProgress(PrintWriter err) {
    this.err = err;
  }

  @Override
  public void done(int matrices, int of) {
    long now = System.nanoTime();
    if (now - next >= 0) {
      next = now + NANOS;
      err.println(matrices + " of " + of + " matrices");
      err.flush();
    }
  }
}
