package orrery.offload;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What the disk has to do, and what it has done. The engine's thread puts jobs in and takes back
 * those that have ended; another one does them, a part at a time ({@link #runNext}): {@link
 * DiskLane}, or a test that decides itself which thread goes on.
 *
 * <pre>
 *   engine's thread                                     disk's thread
 *   look(job) ───────> │ look-ups │ in order  ──┐
 *   read(prefetch) ──> │ reads    │ in order  ──┤
 *   use(job) ────────> │ uses     │ in order  ──┤
 *   write(job) ──────> │ writes   │ in order  ──┴────> runNext: one part, of the first that waits
 *   settled(job) <──── │ ended    │ <──────────────────┘ then the engine is woken
 * </pre>
 *
 * <p>Look-ups and reads go first, since requests wait for them, and no request waits for a write. A
 * look-up costs far less than a read; a use far less than a write, and it keeps files from being
 * dropped that a write makes room for. No method of the engine's thread waits for the disk.
 */
public final class DiskQueue {
  private final PartStore store;
  private final HostPool host;
  private final int most;
  private final Runnable wake;
  private final Map<DiskJob.Turn, Deque<DiskJob>> waiting = // the first of each may be running
      new EnumMap<>(DiskJob.Turn.class);
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
    for (DiskJob.Turn turn : DiskJob.Turn.values()) {
      waiting.put(turn, new ArrayDeque<>());
    }
  }

  /**
   * Begins to look for parts when the look-ups before are done.
   *
   * @return false, and nothing happens, if the queue is closed
   */
  public boolean look(DiskLookup job) {
    return enqueue(job, Integer.MAX_VALUE);
  }

  /**
   * Begins to take note of uses when nothing is to be looked for or read.
   *
   * @return false, and nothing happens, if the queue is closed
   */
  public boolean use(DiskUse job) {
    return enqueue(job, Integer.MAX_VALUE);
  }

  /** Whether the engine's thread may begin a read: too many do not wait already. */
  public synchronized boolean mayRead() {
    return waiting.get(DiskJob.Turn.READ).size() < most && !closed;
  }

  /**
   * Begins to read parts when the reads before are done.
   *
   * @return false, and nothing happens, if too many wait already
   */
  public boolean read(Prefetch job) {
    return enqueue(job, most);
  }

  /**
   * Begins to write a part when nothing else waits and the writes before are done.
   *
   * @return false, and nothing happens, if too many wait already
   */
  public boolean write(DiskWrite job) {
    return enqueue(job, most);
  }

  /**
   * Writes a part before the end, however many wait: nothing else comes after it.
   *
   * @return false, and nothing happens, if the queue is closed
   */
  public boolean writeLast(DiskWrite job) {
    return enqueue(job, Integer.MAX_VALUE);
  }

  private synchronized boolean enqueue(DiskJob job, int most) {
    Deque<DiskJob> before = waiting.get(job.turn());
    if (before.size() >= most || closed) {
      return false;
    }
    before.add(job);
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
    if (job.state() == DiskJob.State.WAITING && waiting.get(job.turn()).remove(job)) {
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
    return waiting.values().stream().mapToInt(Deque::size).sum();
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
    DiskJob job = first();
    if (job != null && job.state() == DiskJob.State.WAITING) {
      job.begin();
    }
    return job;
  }

  private DiskJob first() {
    for (Deque<DiskJob> jobs : waiting.values()) { // in the order of turns
      if (!jobs.isEmpty()) {
        return jobs.peek();
      }
    }
    return null;
  }

  private synchronized void settle(DiskJob job) {
    boolean wasThere = waiting.get(job.turn()).remove(job);
    assert wasThere : job;
    ended.add(job);
  }

  /** Waits until there is something to do; returns whether there is, or will never be again. */
  synchronized boolean await() {
    while (first() == null && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return first() != null;
  }

  /** Takes no more jobs and ends all but the writes that wait, which can still be done. */
  synchronized void close() {
    closed = true;
    for (Deque<DiskJob> jobs : waiting.values()) {
      jobs.stream().filter(job -> job.turn() != DiskJob.Turn.WRITE).toList().forEach(this::cancel);
    }
    notifyAll();
  }
}
