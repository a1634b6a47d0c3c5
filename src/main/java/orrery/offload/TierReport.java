package orrery.offload;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import orrery.events.Event;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.PartsRead;
import orrery.events.StorageFault;
import orrery.events.Stored;
import orrery.events.Written;
import orrery.kv.Arrival;
import orrery.kv.KvGeometry;

/** What moved between the tiers since the last report, for events. */
final class TierReport {
  /** Parts that are loaded for one step. */
  private record Begun(List<Copy> copies, Arrival arrival) {
    boolean ended() {
      return copies.stream().allMatch(copy -> copy.state().ended());
    }
  }

  private final KvGeometry geometry;
  private final HostPool pool;
  private final HostIndex host;
  private final List<Copy> stored = new ArrayList<>();
  private final List<NotStored> notStored = new ArrayList<>();
  private final List<Begun> loads = new ArrayList<>(); // also those that have not ended
  private final List<DiskWrite> written = new ArrayList<>();
  private final List<Prefetch> read = new ArrayList<>();
  private final List<StorageFault> faults = new ArrayList<>();
  private final long epoch;
  private final long[] evicted; // [pools] at the last report

  /**
   * @param epoch {@link System#nanoTime}, by which the disk's thread counts, at 0 of the clock of
   *     events
   */
  TierReport(KvGeometry geometry, HostPool pool, HostIndex host, long epoch) {
    this.epoch = epoch;
    this.geometry = geometry;
    this.pool = pool;
    this.host = host;
    this.evicted = new long[geometry.pools()];
  }

  void stored(Copy copy) {
    stored.add(copy);
  }

  void notStored(Part part, String why) {
    int pages = pool.layout().pages(part.pool());
    notStored.add(new NotStored(0, geometry.name(part.pool()), pages, why));
  }

  void written(DiskWrite job) {
    written.add(job);
  }

  void read(Prefetch job) {
    read.add(job);
  }

  void fault(String kind, String what) {
    faults.add(new StorageFault(0, kind, what));
  }

  void begun(List<Copy> copies, Arrival arrival) {
    loads.add(new Begun(copies, arrival));
  }

  /**
   * What ended since the last call, and how the slots stand.
   *
   * @param nanos the events' time
   */
  List<Event.Tiers> events(long nanos) {
    List<Event.Tiers> events = new ArrayList<>();
    stored.forEach(copy -> events.add(stored(nanos, copy)));
    notStored.forEach(e -> events.add(new NotStored(nanos, e.pool(), e.pages(), e.why())));
    loads.stream().filter(Begun::ended).forEach(load -> events.add(loaded(nanos, load)));
    written.forEach(job -> events.add(written(nanos, job)));
    read.forEach(job -> events.add(read(nanos, job)));
    faults.forEach(f -> events.add(new StorageFault(nanos, f.kind(), f.what())));
    events.add(new HostPools(nanos, slots()));
    written.clear();
    read.clear();
    faults.clear();
    stored.clear();
    notStored.clear();
    loads.removeIf(Begun::ended);
    return events;
  }

  private Stored stored(long nanos, Copy copy) {
    int of = copy.part().pool();
    return new Stored(
        nanos,
        geometry.name(of),
        geometry.pageTokens(),
        copy.pages().length,
        bytes(copy),
        copy.began(),
        copy.ended(),
        copy.taken() > 0);
  }

  private Written written(long nanos, DiskWrite job) {
    int of = job.part().pool();
    return new Written(
        nanos,
        geometry.name(of),
        geometry.pageTokens(),
        job.bytes(),
        job.began() - epoch,
        job.ended() - epoch);
  }

  private PartsRead read(long nanos, Prefetch job) {
    long ended = job.ended() - epoch;
    long began = job.began() == 0 ? ended : job.began() - epoch; // else it never began
    return new PartsRead(nanos, job.came(), job.parts().size(), job.bytes(), began, ended);
  }

  private Loaded loaded(long nanos, Begun load) {
    Set<BlockKey> blocks = new HashSet<>();
    int pages = 0;
    int taken = 0;
    long bytes = 0;
    long began = Long.MAX_VALUE;
    long ended = Long.MIN_VALUE;
    for (Copy copy : load.copies) {
      blocks.add(copy.part().block());
      pages += pages(copy);
      taken += copy.taken();
      bytes += bytes(copy);
      began = Math.min(began, copy.began());
      ended = Math.max(ended, copy.ended());
    }
    int tokens = blocks.size() * geometry.pageTokens();
    long waited = load.arrival.waitedNanos();
    int parts = load.copies.size();
    return new Loaded(
        nanos, parts, pages, tokens, bytes, began, ended, waited, taken, into(load.copies));
  }

  /** [pools][pages that were loaded] */
  private int[][] into(List<Copy> copies) {
    return IntStream.range(0, geometry.pools())
        .mapToObj(
            of ->
                copies.stream()
                    .filter(copy -> copy.part().pool() == of)
                    .flatMapToInt(copy -> IntStream.of(copy.pages()))
                    .filter(page -> page != Copy.NO_PAGE)
                    .toArray())
        .toArray(int[][]::new);
  }

  private static int pages(Copy copy) {
    int pages = 0;
    for (int page : copy.pages()) {
      pages += page == Copy.NO_PAGE ? 0 : 1;
    }
    return pages;
  }

  private long bytes(Copy copy) {
    int of = copy.part().pool();
    return (long) pages(copy) * (pool.layout().bytes(of) / pool.layout().pages(of));
  }

  private List<HostSlots> slots() {
    List<HostSlots> slots = new ArrayList<>();
    for (int of = 0; of < evicted.length; of++) {
      if (pool.total(of) > 0) {
        int storing = host.storing(of);
        int whole = host.count(of) - storing;
        int gone = (int) (host.evicted(of) - evicted[of]);
        String name = geometry.name(of);
        int free = pool.available(of);
        slots.add(new HostSlots(name, geometry.pageTokens(), free, whole, storing, gone));
        evicted[of] = host.evicted(of);
      }
    }
    return slots;
  }
}
