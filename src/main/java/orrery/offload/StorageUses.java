package orrery.offload;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Keeps the files of parts young that are hit in faster memory: else the limit of the files would
 * drop what is used most, since it is never read from there. So it also learns which of these parts
 * have no file, because a write was refused or another engine has dropped it.
 *
 * <p>Each part is noted at most once a minute, as long as it is remembered, and one job of few
 * parts is under way at a time. Only the engine's thread touches it.
 */
final class StorageUses {
  static final long PAUSE =
      TimeUnit.MINUTES.toNanos(1); // between two uses of a part that are noted
  private static final int MOST = 4096; // parts that are remembered, and as many that wait
  private static final int TOGETHER = 64; // parts of a job

  private final DiskQueue queue;
  private final LongSupplier clock;
  private final Map<Part, Long> told = new LinkedHashMap<>(); // when, the oldest first
  private final Set<Part> waiting = new LinkedHashSet<>();
  private boolean running;

  /**
   * @param clock nanoseconds
   */
  StorageUses(DiskQueue queue, LongSupplier clock) {
    this.queue = queue;
    this.clock = clock;
  }

  /** A hit has a part, from pages or from the host. */
  void used(Part part) {
    Long last = told.get(part);
    boolean due = last == null || clock.getAsLong() - last >= PAUSE;
    if (due && waiting.size() < MOST) {
      waiting.add(part);
    }
  }

  /** Files have just written or read a part: that was a use of it. */
  void fresh(Part part) {
    waiting.remove(part);
    told.remove(part);
    told.put(part, clock.getAsLong());
    if (told.size() > MOST) {
      told.remove(told.keySet().iterator().next());
    }
  }

  /** Begins to tell the disk's thread, if nothing is being told. */
  void begin() {
    if (running || waiting.isEmpty()) {
      return;
    }
    List<Part> next = new ArrayList<>();
    for (Iterator<Part> i = waiting.iterator(); i.hasNext() && next.size() < TOGETHER; i.remove()) {
      next.add(i.next());
    }
    next.forEach(this::fresh);
    running = queue.use(new DiskUse(next));
  }

  /** What was told has been told. */
  void ended() {
    running = false;
  }
}
