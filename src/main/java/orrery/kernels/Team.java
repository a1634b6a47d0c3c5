package orrery.kernels;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that run one task together, many thousand times a second.
 *
 * <p>The calling thread is share 0. Workers spin for about 20 µs after their last task, since the
 * next op of a step is usually nanoseconds away, and then park so that an idle engine costs
 * nothing. A task is split by outputs or rows only, so the number of threads never changes a bit.
 *
 * <p>A worker takes the same share every time, so that its share of the weights stays in its core's
 * cache. But when the caller has finished share 0, it does not wait for a worker that has not
 * begun: on a busy machine that worker's thread may not be running, and each wait would cost a time
 * slice of the scheduler, thousands of times as long as an op. So the caller claims that share and
 * does it. A share is done by the thread that claims it first.
 *
 * <p>A team is not reentrant and serves one caller at a time.
 */
public final class Team implements AutoCloseable {
  /** Work that can be done in shares. */
  public interface Task {
    /** Does share {@code share} of {@code shares}; the shares are independent. */
    void run(int share, int shares);
  }

  private static final long SPIN_NANOS = 20_000;
  private static final int SPINS_BEFORE_YIELD = 2_000; // some 50 µs
  private static final VarHandle CLAIMED = claimedHandle();

  private final Worker[] workers;
  private Task task; // published by the write to epoch
  private volatile int epoch;
  private volatile boolean closed;

  /**
   * @param threads how many threads work, the caller included
   * @throws IllegalArgumentException if {@code threads} is not in 1 to 256
   */
  public Team(int threads) {
    if (threads < 1 || threads > 256) {
      throw new IllegalArgumentException("threads: expected 1 to 256, found " + threads);
    }
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].thread.start();
    }
  }

  /** Threads, the caller included. */
  public int size() {
    return workers.length + 1;
  }

  /**
   * Runs all shares of a task and returns when all are done. If a share throws, so does this
   * method; if several shares throw, it throws the exception of one of them.
   *
   * @throws IllegalStateException if the team is closed
   */
  public void run(Task task) {
    if (closed) {
      throw new IllegalStateException("a closed team of " + size() + " cannot run a task");
    }
    int shares = size();
    if (shares == 1) {
      task.run(0, 1);
      return;
    }
    this.task = task;
    int now = epoch + 1;
    epoch = now;
    for (Worker worker : workers) {
      if (worker.parked) {
        LockSupport.unpark(worker.thread);
      }
    }
    Throwable failure = null;
    try {
      task.run(0, shares);
    } catch (Throwable t) {
      failure = t; // wait for the other shares first: they still use shared buffers
    }
    for (Worker worker : workers) {
      if (worker.claim(now)) {
        try {
          task.run(worker.share, shares);
        } catch (Throwable t) {
          failure = failure == null ? t : failure;
        }
        worker.done = now;
      }
    }
    for (Worker worker : workers) {
      worker.await(now);
      if (worker.failure != null) {
        failure = failure == null ? worker.failure : failure;
        worker.failure = null;
      }
    }
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
    }
  }

  private static VarHandle claimedHandle() {
    try {
      return MethodHandles.lookup().findVarHandle(Worker.class, "claimed", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Ends the workers; the team cannot be used again. */
  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      LockSupport.unpark(worker.thread);
    }
    for (Worker worker : workers) {
      try {
        worker.thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private final class Worker implements Runnable {
    final int share;
    final Thread thread;
    volatile boolean parked;
    volatile int claimed; // the last epoch in which the share was claimed
    volatile int done;
    Throwable failure; // published by the write to done

    Worker(int share) {
      this.share = share;
      this.thread = Thread.ofPlatform().daemon().name("orrery-team-" + share).unstarted(this);
    }

    @Override
    public void run() {
      int seen = 0;
      while (true) {
        int now = awaitNext(seen);
        if (closed) {
          return;
        }
        seen = now;
        if (!claim(now)) {
          continue; // too late: the caller has claimed the share
        }
        try {
          task.run(share, size());
        } catch (Throwable t) {
          failure = t;
        }
        done = now;
      }
    }

    /** Claims this worker's share of an epoch; false if it is claimed already. */
    boolean claim(int now) {
      return CLAIMED.compareAndSet(this, now - 1, now);
    }

    /**
     * Waits until the share is done. A long wait yields, since the worker may need this processor.
     */
    void await(int now) {
      for (int spins = 0; done != now; spins++) {
        if (spins < SPINS_BEFORE_YIELD) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
    }

    private int awaitNext(int seen) {
      long spinUntil = System.nanoTime() + SPIN_NANOS;
      int spins = 0;
      while (epoch == seen && !closed) {
        if ((++spins & 63) != 0 || System.nanoTime() < spinUntil) {
          Thread.onSpinWait();
          continue;
        }
        parked = true;
        while (epoch == seen
            && !closed) { // checked again once parked is visible, so no wake-up is lost
          LockSupport.park(Team.this);
        }
        parked = false;
      }
      return epoch;
    }
  }
}
