package orrery.engine;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * The thread that computes the steps of an engine that overlaps them, one after the other in the
 * order in which they were launched, as a stream of a GPU does. At most one step waits behind the
 * one that is computed.
 */
final class ComputeLane implements AutoCloseable {
  private static final long SPIN_NANOS = 20_000; // as Team's workers: most steps wait already

  private final Compute compute;
  private final BlockingQueue<Flight> launched = new ArrayBlockingQueue<>(2);
  private final Thread thread;
  private volatile boolean closed;
  private Throwable bug; // of an earlier step; only the lane's thread touches it

  ComputeLane(Compute compute) {
    this.compute = compute;
    this.thread = Thread.ofPlatform().daemon().name("orrery-compute").unstarted(this::run);
    thread.start();
  }

  /** Computes a step after all that were launched before. */
  void launch(Flight flight) {
    launched.add(flight);
  }

  private void run() {
    while (!closed) {
      Flight flight = next();
      if (flight != null) {
        compute(flight);
      }
    }
  }

  /** The next step; null if the wait was interrupted, which happens when the lane is closed. */
  private Flight next() {
    long spinUntil = System.nanoTime() + SPIN_NANOS;
    Flight flight = launched.poll();
    while (flight == null && System.nanoTime() < spinUntil) {
      Thread.onSpinWait();
      flight = launched.poll();
    }
    try {
      return flight == null ? launched.take() : flight;
    } catch (InterruptedException e) {
      return null;
    }
  }

  /** After a bug no step is computed any more: its rows could begin with tokens that are wrong. */
  private void compute(Flight flight) {
    try {
      if (bug == null) {
        compute.decide(flight, compute.run(flight));
      }
    } catch (Throwable t) {
      bug = t;
    }
    if (bug != null) {
      flight.failed(bug);
    }
  }

  /** Ends the thread when the step that it computes is done; steps behind it are dropped. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true; // the model may be closed after this: wait all the same
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
