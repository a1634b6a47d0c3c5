package orrery.cli;

import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C, {@code kill} and a terminal that is closed. Java alone would end at once. Here the
 * command's thread is interrupted first, and has some time to close its files and to say which
 * answers are kept. The exit code is the signal's, 130 or 143.
 */
final class Interruption implements AutoCloseable {
  /** Exit code as in shells: 128 plus the number of SIGINT. */
  static final int EXIT_CODE = 130;

  private static final long PATIENCE_SECONDS = 5;

  private final Thread command = Thread.currentThread();
  private final CountDownLatch over = new CountDownLatch(1);

  /** Makes a signal interrupt the calling thread, until this is closed. */
  Interruption() {
    try {
      Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "orrery-interruption"));
    } catch (IllegalStateException e) {
      command.interrupt(); // the signal came before, and the JVM is ending already
    }
  }

  private void stop() {
    if (over.getCount() == 0) {
      return; // the command is done, and the JVM ends as it should
    }
    command.interrupt();
    try {
      over.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // then the JVM ends now
    }
  }

  /** Whether a failure comes from an interruption of this thread. */
  static boolean caused(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof InterruptedException
          || e instanceof InterruptedIOException
          || e instanceof ClosedByInterruptException
          || e instanceof CancellationException) {
        return true;
      }
    }
    return Thread.currentThread().isInterrupted();
  }

  /** Ends the wait of a signal: the command is done. */
  @Override
  public void close() {
    over.countDown();
  }
}
