package orrery.offload;

import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import orrery.kv.Arrival;

/**
 * All parts that are loaded for one step, and the latch at which the step waits for them, stream by
 * stream. SGLang's {@code LayerDoneCounter} does the same with one event for each layer.
 *
 * <p>If the mover fails, the thread that waits copies the pieces that are left. Only if that fails
 * too, the step fails.
 */
final class Load extends Pieces implements Arrival {
  private static final long SPIN_NANOS = 20_000; // as Team's workers: most pieces take less

  private final long[] waited; // [streams] nanoseconds; written by the thread that waits
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private volatile int waiting; // threads that may wait for the condition; changed with the lock
  private volatile int there; // all streams below this one are there
  private volatile boolean left; // the mover copies nothing of this any more
  private volatile Throwable failure; // why no thread will

  Load(List<Copy> copies, PageCopier copier, LongSupplier clock, Consumer<Copy> ended) {
    super(copies, copier, clock, ended);
    waited = new long[copier.order().length];
    there = nextStream();
  }

  @Override
  public void await(int stream) {
    if (there <= stream) {
      awaitSlowly(stream);
    }
  }

  private void awaitSlowly(int stream) {
    long from = clock().getAsLong();
    long spinUntil = System.nanoTime() + SPIN_NANOS;
    while (there <= stream && !left && System.nanoTime() < spinUntil) {
      Thread.onSpinWait();
    }
    if (there <= stream && !left) {
      sleep(stream);
    }
    if (there <= stream) {
      take(stream);
    }
    waited[Math.min(stream, waited.length - 1)] += clock().getAsLong() - from;
  }

  private void sleep(int stream) {
    lock.lock();
    try {
      waiting++; // before a look at what is there
      while (there <= stream && !left) {
        changed.awaitUninterruptibly(); // a step that has begun is computed to its end
      }
    } finally {
      waiting--;
      lock.unlock();
    }
  }

  /** Copies, instead of the mover, what a stream needs. */
  private synchronized void take(int stream) {
    try {
      while (there <= stream && copyNext(true)) {}
    } catch (Throwable t) {
      failure = t;
      fail(t);
    }
    if (there <= stream) {
      throw new IllegalStateException("pages from host memory could not be loaded", failure);
    }
  }

  @Override
  synchronized boolean copyNext(boolean taken) {
    boolean copied = super.copyNext(taken);
    int stream = nextStream();
    if (copied && stream != there && failure == null) {
      there = stream;
      wake();
    }
    return copied;
  }

  /**
   * Copies a piece on the mover's thread; if it fails, the rest is left to the thread that waits.
   */
  @Override
  boolean advance() {
    try {
      return !left && copyNext(false);
    } catch (Throwable t) {
      left = true;
      wake();
      return false;
    }
  }

  /** Nothing is copied any more, and who waits for it gets an error. */
  synchronized void drop(Throwable why) {
    if (more()) {
      failure = why;
      cancel();
      left = true;
      wake();
    }
  }

  private void wake() {
    if (waiting > 0) {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Nanoseconds that the step waited for a stream, so far. */
  long waitedNanos(int stream) {
    return waited[stream];
  }

  @Override
  public long waitedNanos() {
    long sum = 0;
    for (long nanos : waited) {
      sum += nanos;
    }
    return sum;
  }
}
