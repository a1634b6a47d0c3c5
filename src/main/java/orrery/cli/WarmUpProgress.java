package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Shows which bucket a warm-up has come to: one live line in a terminal, elsewhere a line now and
 * then, since a large model takes minutes.
 */
final class WarmUpProgress implements IntConsumer, AutoCloseable {
  private static final long PLAIN_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final Reports reports;
  private final PrintWriter err;
  private final boolean live;
  private final LongSupplier clock;
  private long next; // when a plain line is due
  private int shapes; // written by the engine's thread, read when the warm-up has ended
  private int most; // rows

  WarmUpProgress(CommandSpec spec) throws IOException {
    this(spec, LiveScreen.canDrawOnError(System.getenv("TERM")), System::nanoTime);
  }

  WarmUpProgress(CommandSpec spec, boolean live, LongSupplier clock) {
    this.reports = new Reports(spec);
    this.err = spec.commandLine().getErr();
    this.live = live;
    this.clock = clock;
    this.next = clock.getAsLong() + PLAIN_NANOS;
  }

  /** A bucket begins. */
  @Override
  public void accept(int rows) {
    shapes++;
    most = rows;
    String line = "warming up: a step of " + rows + (rows == 1 ? " row" : " rows");
    if (live) {
      err.print("\r" + line + "\u001b[K");
      err.flush();
    } else if (clock.getAsLong() - next >= 0) {
      next = clock.getAsLong() + PLAIN_NANOS;
      reports.say(line);
    }
  }

  /** Says what was run, if anything was. */
  @Override
  public void close() {
    if (shapes > 0) {
      err.print(live ? "\r\u001b[K" : "");
      reports.say("ran steps of " + shapes + " shapes, up to " + most + " rows");
    }
  }
}
