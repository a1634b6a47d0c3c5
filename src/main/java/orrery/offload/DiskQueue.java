package orrery.offload;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * What the disk has to do, and what it has done. The engine's thread puts jobs in and takes back
 * those that have ended; another one does them, a part at a time ({@link #runNext}): {@link
 * DiskLane}, or a test that decides itself which thread goes on.
 *
 * <pre>
 *   engine's thread                                   disk's thread
 *   read(prefetch) ──> │ reads  │ in order  ──┐
 *   write(job) ──────> │ writes │ in order  ──┴────> runNext: one part, reads first
 *   settled(job) <──── │ ended  │ <──────────────────┘ then the engine is woken
 * </pre>
 *
 * <p>Reads go before writes: a request waits for a read, and no request waits for a write. No
 * method of the engine's thread waits for the disk.
 */
public final class DiskQueue {
  private final PartStore store;
  private final HostPool host;
  private final int most;
  private final Runnable wake;
  private final Deque<Prefetch> reads = new ArrayDeque<>(); // the first may be running
  private final Deque<DiskWrite> writes = new ArrayDeque<>();
  private final List<DiskJob> ended = new ArrayList<>();
  private boolean closed;

  /**
   * @param most reads that may wait, and as many writes
   * @param wake tells the engine's thread that something is settled
   */
  public DiskQueue(PartStore store, HostPool host, int most, Runnable wake) {
    this.store = store;
    this.host = host;
    this.most = most;
    this.wake = wake;
  }

  /**
   * Begins to read parts when the reads before are done.
   *
   * @return false, and nothing happens, if too many wait already
   */
  public synchronized boolean read(Prefetch job) {
    return enqueue(reads, job);
  }

  /**
   * Begins to write a part when no read waits and the writes before are done.
   *
   * @return false, and nothing happens, if too many wait already
   */
  public synchronized boolean write(DiskWrite job) {
    return enqueue(writes, job);
  }

  /**
   * Writes a part before the end, however many wait: nothing else comes after it.
   *
   * @return false, and nothing happens, if the queue is closed
   */
  public synchronized boolean writeLast(DiskWrite job) {
    if (closed) {
      return false;
    }
    writes.add(job);
    notifyAll();
    return true;
  }

  private <J extends DiskJob> boolean enqueue(Deque<J> jobs, J job) {
    if (jobs.size() >= most || closed) {
      return false;
    }
    jobs.add(job);
    notifyAll();
    return true;
  }

  /**
   * Asks for the end of a job. One that waits never begins. Of one that runs, the part that is
   * being moved is the last. In both cases {@link #settled} hands it back, and until then its slots
   * must stay.
   */
  public synchronized void cancel(DiskJob job) {
    job.cancel();
    if (job.state() == DiskJob.State.WAITING && (reads.remove(job) || writes.remove(job))) {
      job.end();
      ended.add(job);
    }
  }

  /** Hands over each job that has ended since the last call. */
  public void settled(Consumer<DiskJob> each) {
    List<DiskJob> now;
    synchronized (this) {
      now = List.copyOf(ended);
      ended.clear();
    }
    now.forEach(each);
  }

  /** Jobs that have not ended. */
  public synchronized int pending() {
    return reads.size() + writes.size();
  }

  /**
   * Moves one part.
   *
   * @return false if nothing waits
   */
  public boolean runNext() {
    DiskJob job = next();
    if (job == null) {
      return false;
    }
    if (job.step(store, host)) {
      settle(job);
      wake.run();
    }
    return true;
  }

  private synchronized DiskJob next() {
    DiskJob job = reads.isEmpty() ? writes.peek() : reads.peek();
    if (job != null && job.state() == DiskJob.State.WAITING) {
      job.begin();
    }
    return job;
  }

  private synchronized void settle(DiskJob job) {
    boolean wasThere = job instanceof Prefetch ? reads.remove(job) : writes.remove(job);
    assert wasThere : job;
    ended.add(job);
  }

  /** Waits until there is something to do; returns whether there is, or will never be again. */
  synchronized boolean await() {
    while (reads.isEmpty() && writes.isEmpty() && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return !(reads.isEmpty() && writes.isEmpty());
  }

  /** Takes no more jobs and ends all reads; the writes that wait can still be done. */
  synchronized void close() {
    closed = true;
    List.copyOf(reads).forEach(this::cancel);
    notifyAll();
  }
}
