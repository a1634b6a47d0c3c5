package orrery.offload;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Parts that go from the host to files. A slot keeps its part until the disk's thread says that it
 * is done. Only the engine's thread touches it, beside {@link #owes}.
 *
 * <pre>
 *   a part is whole on the host ──(write-through)──> write, or put off while the queue is full
 *   a part is among the next that leave the host ──> write, if files do not have it
 * </pre>
 */
final class StorageWrites {
  private final DiskQueue queue;
  private final PartLayout layout;
  private final HostIndex host;
  private final WritePolicy policy;
  private final TierReport report;
  private final Map<DiskWrite, HostPart> writes = new IdentityHashMap<>(); // not settled
  private volatile boolean owes; // whether some are put off: a stale yes costs a look
  private final Set<HostPart> putOff = new LinkedHashSet<>(); // on the host, the oldest first

  StorageWrites(
      DiskQueue queue, PartLayout layout, HostIndex host, WritePolicy policy, TierReport report) {
    this.queue = queue;
    this.layout = layout;
    this.host = host;
    this.policy = policy;
    this.report = report;
  }

  /** A part is whole on the host, and files do not have it. */
  void stored(HostPart part) {
    if (policy != WritePolicy.WRITE_BACK && !write(part) && putOff.add(part)) {
      report.fault("busy", part.part + ": too many writes wait; it is written later");
      owes = true;
      resume(); // the disk may have done all that it had before it could see that
    }
  }

  /** Whether writes are put off, and the disk has nothing to do; any thread may ask. */
  boolean owes() {
    return owes && queue.pending() == 0;
  }

  /**
   * Begins to write a part, if files do not have it; returns false if too many writes wait. The
   * disk's thread asks the files, not this one.
   */
  boolean write(HostPart part) {
    DiskWrite job = new DiskWrite(part.part, part.slot);
    boolean waits = queue.write(job);
    if (waits) {
      begun(job, part);
    }
    return waits;
  }

  private void begun(DiskWrite job, HostPart part) {
    part.read();
    writes.put(job, part);
    putOff.remove(part);
  }

  /** Begins writes that were put off, as long as there is room. */
  void resume() {
    while (!putOff.isEmpty() && write(putOff.iterator().next())) {}
    owes = !putOff.isEmpty();
  }

  /** A part has left the host. */
  void gone(HostPart part) {
    putOff.remove(part);
  }

  /** Begins to write all parts that only the host has; nothing is stored after this. */
  void saveAll() {
    Set<HostPart> waiting = Collections.newSetFromMap(new IdentityHashMap<>());
    waiting.addAll(writes.values());
    for (int pool = 0; pool < layout.pools(); pool++) {
      host.each(
          pool,
          part -> {
            boolean wanted = part.whole() && !part.flushed() && !part.behind();
            DiskWrite job = new DiskWrite(part.part, part.slot);
            if (wanted && !waiting.contains(part) && queue.writeLast(job)) {
              begun(job, part);
            }
          });
    }
  }

  /** A write has ended. */
  void ended(DiskWrite job) {
    HostPart part = writes.remove(job);
    part.unread();
    part.behind(true); // if it was refused too: asking again at once would not help
    host.rest(part);
    if (job.bytes() > 0) { // else it was there, or was refused
      report.written(job);
    }
  }

  /** Parts that are being written. */
  int count() {
    return writes.size();
  }

  /**
   * Checks that parts that wait to be written are still here.
   *
   * @throws IllegalStateException if not
   */
  void check() {
    for (HostPart part : putOff) {
      if (host.find(part.part) != part || part.behind()) {
        throw new IllegalStateException(part.part + " waits to be written without a reason");
      }
    }
  }
}
