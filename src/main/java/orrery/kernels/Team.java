package orrery.kernels;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that run one task together, many thousand times a second.
 *
 * <p>The calling thread is share 0. Workers spin for a while after their last task, since the next
 * one is usually less than a microsecond away. Then they yield to other threads for as long as the
 * engine may be between two steps, and then they park, so that an idle engine costs nothing. A task
 * is split by outputs or rows only, so the number of threads never changes a bit.
 *
 * <p>A worker takes the same share every time, so that its share of the weights stays in its core's
 * cache. But when the caller has finished share 0, it does not wait for a worker that has not
 * begun: on a busy machine that worker's thread may not be running, and each wait would cost a time
 * slice of the scheduler, thousands of times as long as an op. So the caller claims that share and
 * does it. A share is done by the thread that claims it first.
 *
 * <p>There may be more shares than threads. The first ones are the threads' own; a thread that has
 * done its own takes the next of the others, until there is none. So a slow thread does fewer, and
 * the others need not wait for it: processors that share a core with other work may have little
 * more than half the speed of the rest.
 *
 * <p>What the caller and a worker tell each other lies in cache lines of its own. A line that two
 * cores write travels between them each time, so what is written by others would be slow too:
 *
 * <pre>
 *   ticket             written by the caller, read by all
 *   done, parked       of each worker: written by it, read by the caller
 *   claimed            of each worker: written by it; the caller looks only if the worker is late
 *   next               the next share that is no thread's own: written by all that take one
 *
 *   ticket = number of the task · 512 + its shares
 * </pre>
 *
 * <p>A worker that comes late with an old ticket must not run a share of a newer task: it claims by
 * the ticket, and a claim of an older ticket fails.
 *
 * <p>A team is not reentrant and serves one caller at a time.
 */
public final class Team implements AutoCloseable {
  /** Work that can be done in shares. */
  public interface Task {
    /** Does share {@code share} of {@code shares}; the shares are independent. */
    void run(int share, int shares);

    /**
     * A thread is about to do a share that is no thread's own, since there are more shares than
     * threads. Called by that thread.
     *
     * @param thread 0 is the caller of the team
     */
    default void taken(int share, int thread) {}
  }

  /** The most shares of a task. */
  public static final int MOST_SHARES = 511;

  private static final int NONE = -1; // no share
  private static final int MOST = 256;
  private static final long SHARES = MOST_SHARES; // the bits of a ticket that say how many shares
  private static final long ONE_TASK = MOST_SHARES + 1;
  private static final long SPIN_NANOS = 20_000; // longer than between two ops
  private static final long YIELD_NANOS = 200_000; // longer than between two steps: waking is dear
  private static final int SPINS_BEFORE_YIELD = 2_000; // some 50 µs

  private static final int PATIENCE = 16; // spins, less than a microsecond

  private static final int LINE = 16; // longs: two cache lines, since cores fetch them in pairs
  private static final int TICKET = LINE;
  private static final int DONE = 0; // this and the next two: from a worker's first line on
  private static final int PARKED = 1;
  private static final int CLAIMED = LINE;
  private static final VarHandle STATE = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] state; // [2 + 2 · workers + 2][16]: ticket, two lines of a worker, next
  private final int next; // where it stands
  private final Worker[] workers;
  private Task task; // published by the ticket
  private volatile boolean closed;

  /**
   * @param threads how many threads work, the caller included
   * @throws IllegalArgumentException if {@code threads} is not in 1 to 256
   */
  public Team(int threads) {
    if (threads < 1 || threads > MOST) {
      throw new IllegalArgumentException("threads: expected 1 to 256, found " + threads);
    }
    state = new long[(2 * threads + 2) * LINE];
    next = 2 * threads * LINE;
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

  /** Runs a task in as many shares as there are threads, see {@link #run(Task, int)}. */
  public void run(Task task) {
    run(task, size());
  }

  /**
   * Runs all shares of a task and returns when all are done. If a share throws, so does this
   * method; if several shares throw, it throws the exception of one of them.
   *
   * @param shares 1 to {@link #MOST_SHARES}
   * @throws IllegalStateException if the team is closed
   * @throws IllegalArgumentException if there are fewer or more shares than that
   */
  public void run(Task task, int shares) {
    if (closed) {
      throw new IllegalStateException("a closed team of " + size() + " cannot run a task");
    }
    if (shares < 1 || shares > MOST_SHARES) {
      throw new IllegalArgumentException(
          "shares: expected 1 to " + MOST_SHARES + ", found " + shares);
    }
    if (shares == 1) {
      task.run(0, 1);
      return;
    }
    if (this.task != task) { // workers read its line, so it is written only if need be
      this.task = task;
    }
    long ticket = (state[TICKET] & ~SHARES) + ONE_TASK + shares;
    if (shares > size()) {
      STATE.setRelease(state, next, ticket - shares + size());
    }
    STATE.setVolatile(state, TICKET, ticket); // before a look at who has parked
    int others = Math.min(shares - 1, workers.length);
    for (int i = 0; i < others; i++) {
      workers[i].wake();
    }
    Throwable failure = null;
    try {
      task.run(0, shares);
    } catch (Throwable t) {
      failure = t; // wait for the other shares first: they still use shared buffers
    }
    Throwable ofRest = rest(ticket, 0);
    failure = failure == null ? ofRest : failure;
    int patience = PATIENCE;
    for (int i = 0; i < others; i++) {
      patience = workers[i].awaitSoon(ticket, patience);
      if (!workers[i].isDone(ticket) && workers[i].claim(ticket)) {
        workers[i].work(ticket);
        workers[i].done(ticket);
      }
    }
    for (int i = 0; i < others; i++) {
      Throwable other = workers[i].await(ticket);
      failure = failure == null ? other : failure;
    }
    rethrow(failure);
  }

  /** Takes shares that are no thread's own, until there is none; returns a failure of one. */
  private Throwable rest(long ticket, int thread) {
    Throwable failure = null;
    for (int share = take(ticket); share != NONE; share = take(ticket)) {
      try {
        task.taken(share, thread);
        task.run(share, (int) (ticket & SHARES));
      } catch (Throwable t) {
        failure = t;
      }
    }
    return failure;
  }

  private int take(long ticket) {
    int shares = (int) (ticket & SHARES);
    if (shares <= size()) {
      return NONE;
    }
    while (true) {
      long found = (long) STATE.getAcquire(state, next);
      if ((found & SHARES) >= shares || (found & ~SHARES) != (ticket & ~SHARES)) {
        return NONE;
      }
      if (STATE.compareAndSet(state, next, found, found + 1)) {
        return (int) (found & SHARES);
      }
    }
  }

  private static void rethrow(Throwable failure) {
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
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
    final int line; // the first one of this worker
    private Throwable failure; // published by done
    private long idleSince; // nanoseconds; 0 until a clock is looked at

    Worker(int share) {
      this.share = share;
      this.line = 2 * share * LINE;
      this.thread = Thread.ofPlatform().daemon().name("orrery-team-" + share).unstarted(this);
    }

    @Override
    public void run() {
      long seen = 0;
      while (true) {
        seen = awaitNext(seen);
        if (closed) {
          return;
        }
        if (share < (seen & SHARES)) {
          idleSince = 0; // a task without this worker's share does not keep it from parking
          if (claim(seen)) {
            work(seen);
            Throwable ofRest = rest(seen, share);
            if (ofRest != null) { // each write of a reference marks a card, whose line others share
              failure = ofRest;
            }
            done(seen);
          }
        }
      }
    }

    /** Claims this worker's share of a task; false if that or a newer one is claimed already. */
    boolean claim(long ticket) {
      long claimed = (long) STATE.getAcquire(state, line + CLAIMED); // a look is cheap, a swap not
      return claimed < ticket && STATE.compareAndSet(state, line + CLAIMED, claimed, ticket);
    }

    /** Does the claimed share. */
    void work(long ticket) {
      try {
        task.run(share, (int) (ticket & SHARES));
      } catch (Throwable t) {
        failure = t;
      }
    }

    void done(long ticket) {
      STATE.setRelease(state, line + DONE, ticket);
    }

    boolean isDone(long ticket) {
      return (long) STATE.getAcquire(state, line + DONE) == ticket;
    }

    /**
     * Waits for a share that is nearly done, so that its claim need not be looked at.
     *
     * @return what is left of the patience
     */
    int awaitSoon(long ticket, int patience) {
      while (patience > 0 && !isDone(ticket)) {
        Thread.onSpinWait();
        patience--;
      }
      return patience;
    }

    /**
     * Waits until the share is done, and returns its failure or null. A long wait yields, since the
     * worker may need this processor.
     */
    Throwable await(long ticket) {
      for (int spins = 0; !isDone(ticket); spins++) {
        if (spins < SPINS_BEFORE_YIELD) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
      Throwable thrown = failure;
      if (thrown != null) {
        failure = null;
      }
      return thrown;
    }

    /** Wakes this worker if it has parked. */
    void wake() {
      if ((long) STATE.getVolatile(state, line + PARKED) != 0) {
        LockSupport.unpark(thread);
      }
    }

    /** Waits for a ticket: spins, then lets other threads run in between, then parks. */
    private long awaitNext(long seen) {
      int spins = 0;
      while (ticket() == seen && !closed) {
        if ((++spins & 63) != 0) {
          Thread.onSpinWait();
          continue;
        }
        long now = System.nanoTime();
        idleSince = idleSince == 0 ? now : idleSince;
        if (now - idleSince > YIELD_NANOS) {
          park(seen);
        } else if (now - idleSince > SPIN_NANOS) {
          spins--; // yield again if there is still no ticket
          Thread.yield();
        }
      }
      return ticket();
    }

    private void park(long seen) {
      STATE.setVolatile(state, line + PARKED, 1L);
      while (ticket() == seen && !closed) { // looks again once others see that it parks
        LockSupport.park(Team.this);
      }
      STATE.setVolatile(state, line + PARKED, 0L);
    }

    private long ticket() {
      return (long) STATE.getVolatile(state, TICKET);
    }
  }
}
