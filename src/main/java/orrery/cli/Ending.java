package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jline.utils.Signals;

/**
 * How a server ends. The first SIGTERM or Ctrl-C asks it to finish what runs; a second one
 * interrupts the command's thread, and ends the process if that takes too long. Before the server
 * serves, the first signal already interrupts. A server that can serve no more ends as after the
 * first signal.
 */
final class Ending implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 5;

  private record Handled(String name, Object before) {}

  private final Thread command = Thread.currentThread();
  private final CountDownLatch asked = new CountDownLatch(1);
  private final List<Handled> handled = new ArrayList<>();
  private boolean serving;
  private int exitCode; // of the signal that interrupted; 0 before

  /** Takes the signals over from the JVM, until this is closed. */
  Ending() {
    handle("TERM", 15);
    handle("INT", 2);
  }

  private void handle(String name, int number) {
    handled.add(new Handled(name, Signals.register(name, () -> take(128 + number))));
  }

  /** Called by the JVM, on a thread of its own for each signal. */
  private synchronized void take(int code) {
    boolean first = asked.getCount() > 0;
    asked.countDown();
    if (first && serving) {
      return;
    }
    exitCode = code;
    command.interrupt();
    Thread.ofPlatform().daemon().name("orrery-ending").start(() -> haltLater(code));
  }

  private static void haltLater(int code) {
    try {
      TimeUnit.SECONDS.sleep(PATIENCE_SECONDS);
    } catch (InterruptedException e) {
      // no code interrupts this thread; halt at once
    }
    Runtime.getRuntime().halt(code);
  }

  /** Ends the server as the first signal does. */
  void begin() {
    asked.countDown();
  }

  /**
   * Waits for the first signal, or for {@link #begin}.
   *
   * @throws InterruptedException if it came before
   */
  void await() throws InterruptedException {
    synchronized (this) {
      if (exitCode != 0) {
        throw new InterruptedException();
      }
      serving = true;
    }
    asked.await();
  }

  /** The exit code after an interruption: the signal's, as in shells. */
  synchronized int exitCode() {
    return exitCode == 0 ? Interruption.EXIT_CODE : exitCode;
  }

  /** Gives the signals back. */
  @Override
  public void close() {
    handled.forEach(h -> Signals.unregister(h.name(), h.before()));
  }
}
