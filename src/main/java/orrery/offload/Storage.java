package orrery.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;
import orrery.prefix.PrefixCache;

/**
 * Files behind host memory, as the engine's thread sees them: what is read from them, written to
 * them, and used of them. The disk's thread does it, and hands each job back.
 */
final class Storage implements Behind {
  private static final int MOST_AHEAD = 64; // parts that are saved before their slots are wanted

  private final FileTier files;
  private final HostIndex host;
  private final TierReport report;
  private final StorageReads reads;
  private final StorageWrites writes;
  private final StorageUses uses;

  /**
   * @param clock nanoseconds
   */
  Storage(
      FileTier files,
      HostPool pool,
      HostIndex host,
      Lookups lookups,
      WritePolicy policy,
      TierReport report,
      LongSupplier clock) {
    this.files = files;
    this.host = host;
    this.report = report;
    this.reads = new StorageReads(files.queue(), pool, host, lookups, report);
    this.writes = new StorageWrites(files.queue(), pool.layout(), host, policy, report);
    this.uses = new StorageUses(files.queue(), clock);
    host.behind(this);
  }

  /** A part is whole on the host. */
  void stored(HostPart part) {
    writes.stored(part);
  }

  /** As {@link PrefixCache#owes}. */
  boolean owes() {
    return writes.owes();
  }

  /** As {@link PrefixCache#fetch}. */
  Optional<PrefixCache.Fetch> fetch(Prefix prefix, int threshold) {
    return reads.fetch(prefix, threshold);
  }

  /** A hit has a part, from pages or from the host. */
  void used(Part part) {
    uses.used(part);
  }

  /** What memory has is not wanted any more. */
  void flush() {
    reads.flush();
  }

  /** Begins to write all parts that only the host has; nothing is stored after this. */
  void saveAll() {
    writes.saveAll();
  }

  @Override
  public int ahead(int slots) {
    return Math.clamp(slots / 4, 1, MOST_AHEAD);
  }

  @Override
  public boolean has(HostPart part) {
    return part.behind();
  }

  @Override
  public boolean leaving(HostPart part) {
    return writes.write(part);
  }

  @Override
  public void gone(HostPart part, boolean evicted) {
    writes.gone(part);
    if (evicted && !part.behind()) {
      report.fault("lost", part.part + ": left host memory before it could be written");
    }
  }

  /** Takes note of what the disk's thread has done, and gives it what had to wait for that. */
  void settle() {
    for (StoreFault f = files.faults().poll(); f != null; f = files.faults().poll()) {
      report.fault(f.kind().name().toLowerCase(Locale.ROOT), f.toString());
    }
    List<DiskJob> ended = new ArrayList<>();
    files.queue().settled(ended::add);
    reads.came(); // after the queue was asked: what has ended has its last count
    ended.forEach(this::ended);
    writes.resume();
    uses.begin();
  }

  private void ended(DiskJob job) {
    job.bug().ifPresent(bug -> told(job, bug));
    switch (job) {
      case DiskLookup look -> reads.ended(look);
      case Prefetch read -> {
        read.parts().subList(0, read.came()).forEach(uses::fresh);
        reads.ended(read);
      }
      case DiskUse use -> {
        uses.ended();
        use.missing().forEach(this::missing);
      }
      case DiskWrite write -> {
        if (write.stored()) {
          uses.fresh(write.part());
        }
        writes.ended(write);
      }
    }
  }

  /** A part that is used has no file. If the host has it, it is written as if it were new. */
  private void missing(Part part) {
    HostPart found = host.whole(part);
    if (found != null && found.behind()) {
      found.behind(false);
      writes.stored(found);
    }
  }

  /** A bug of ours in one job fails no request; an error of the JVM ends the engine. */
  private void told(DiskJob job, Throwable bug) {
    if (bug instanceof Error) {
      throw new IllegalStateException("the disk's thread: " + bug, bug);
    }
    report.fault("bug", job + ": " + bug);
  }

  /** Reads of slots for files, and for requests that wait. */
  int readers() {
    return writes.count() + reads.kept();
  }

  /**
   * Recounts what is on its way.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check() {
    reads.check();
    writes.check();
  }

  void close() {
    files.close();
  }
}
