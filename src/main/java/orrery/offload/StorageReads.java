package orrery.offload;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import orrery.prefix.PrefixCache;

/**
 * Parts that come from files to the host for requests that wait. Only the engine's thread touches
 * it.
 *
 * <pre>
 *   a request comes ──> look-up: which parts do files have? ──> slots ──> reads, block by block
 *                          ^                                                 │ each part that came
 *                          │                                                 v stays until the
 *                          └── less came than was found: once more ──────── ended  request starts
 * </pre>
 */
final class StorageReads {
  private final DiskQueue queue;
  private final PartLayout layout;
  private final HostIndex host;
  private final Lookups lookups;
  private final TierReport report;
  private final PartReads parts;
  private final Reserved reserved;
  private final Set<FileFetch> fetches = new LinkedHashSet<>(); // not released
  private final Map<DiskLookup, FileFetch> looking = new IdentityHashMap<>(); // not settled
  private final Set<FileFetch> blocked = new LinkedHashSet<>(); // until the queue takes a read

  StorageReads(DiskQueue queue, HostPool pool, HostIndex host, Lookups lookups, TierReport report) {
    this.queue = queue;
    this.layout = pool.layout();
    this.host = host;
    this.lookups = lookups;
    this.report = report;
    this.parts = new PartReads(queue, host, layout.pools());
    this.reserved = new Reserved(pool);
  }

  /** As {@link PrefixCache#fetch}. */
  Optional<PrefixCache.Fetch> fetch(Prefix prefix, int threshold) {
    if (prefix.limit() - hit(prefix) < threshold) {
      return Optional.empty();
    }
    FileFetch fetch = new FileFetch(this, prefix, threshold);
    fetches.add(fetch);
    look(fetch);
    if (fetch.ended()) {
      fetch.release();
      return Optional.empty();
    }
    return Optional.of(fetch);
  }

  private int hit(Prefix prefix) {
    return lookups.tokens(lookups.inMemory(prefix));
  }

  /** Asks for the parts that memory lacks. */
  private void look(FileFetch fetch) {
    Lookup all = lookups.with(fetch.prefix, _ -> true);
    List<DiskLookup.Wanted> wanted = new ArrayList<>();
    for (int block = 0; block < all.found(); block++) {
      for (int pool = 0; pool < layout.pools(); pool++) {
        Part part = new Part(all.key(block), pool);
        if (layout.pages(pool) > 0 && !all.inPages(block, pool) && host.find(part) == null) {
          wanted.add(new DiskLookup.Wanted(part, all.needsAll(pool)));
        }
      }
    }
    DiskLookup job = new DiskLookup(wanted);
    if (queue.look(job)) {
      fetch.looks(job);
      looking.put(job, fetch);
    }
  }

  private void looked(FileFetch fetch) {
    Set<Part> files = fetch.lookup().found();
    Lookup reach = lookups.with(fetch.prefix, part -> reaches(part, files));
    if (!fetch.finds(hit(fetch.prefix), lookups.tokens(reach))) {
      fetch.looked();
      return;
    }
    read(fetch, reach, files);
  }

  /** Whether the host or files have a part, or will have it soon. */
  private boolean reaches(Part part, Set<Part> files) {
    HostPart found = host.find(part);
    return found == null ? files.contains(part) : serves(found);
  }

  /** Whether a part on the host can be hit, or will be. */
  private static boolean serves(HostPart part) {
    return (part.whole() || part.arriving()) && !part.flushed();
  }

  /**
   * Begins to read what a prefix lacks in faster memory. Parts of windows are read for each block,
   * though a hit needs those of its end alone: so each part that comes makes some hit longer, and
   * the read may end anywhere.
   *
   * @param reach finds the blocks that all tiers have together
   */
  private void read(FileFetch fetch, Lookup reach, Set<Part> files) {
    List<HostPart> here = new ArrayList<>(); // parts of the prefix: room is not made of them
    Set<Reading> joined = new LinkedHashSet<>();
    List<Part> wanted = new ArrayList<>();
    int blocks = lookups.usable(reach);
    for (int block = 0; block < blocks; block++) {
      for (int pool = 0; pool < layout.pools(); pool++) {
        if (layout.pages(pool) > 0 && !reach.inPages(block, pool)) {
          sort(new Part(reach.key(block), pool), files, here, joined, wanted);
        }
      }
    }
    if (!wanted.isEmpty() && !queue.mayRead()) { // asked first: slots cost other parts theirs
      blocked.add(fetch); // it keeps its look-up
      return;
    }
    here.forEach(HostPart::read);
    List<HostPart> taken = parts.take(wanted);
    here.forEach(HostPart::unread);
    fetch.looked();
    if (!taken.isEmpty()) {
      joined.add(parts.begin(taken));
    }
    joined.forEach(fetch::waitsFor);
    here.forEach(part -> keep(fetch, part));
  }

  private void sort(
      Part part, Set<Part> files, List<HostPart> here, Set<Reading> joined, List<Part> wanted) {
    HostPart found = host.find(part);
    if (found == null && files.contains(part)) {
      wanted.add(part);
    } else if (found == null || found.flushed()) {
      return; // of a flushed part the slot is not free yet; the block is computed
    } else if (found.arriving()) {
      joined.add(parts.of(found)); // if others end it before the part came, this looks again
    } else {
      here.add(found);
    }
  }

  private void keep(FileFetch fetch, HostPart part) {
    boolean hit = part.whole() && !part.flushed();
    if (hit && !fetch.kept().contains(part) && reserved.keep(part)) {
      fetch.kept().add(part);
    }
  }

  /** Takes note of the parts that have come. */
  void came() {
    parts.came((read, part) -> read.waiters.forEach(fetch -> keep(fetch, part)));
  }

  /** A look-up has ended. */
  void ended(DiskLookup job) {
    FileFetch fetch = looking.remove(job);
    if (fetch.stopped()) {
      fetch.looked();
    } else {
      looked(fetch);
    }
  }

  /** A read has ended, whose parts have {@link #came}. */
  void ended(Prefetch job) {
    Reading read = parts.ended(job);
    report.read(job);
    for (FileFetch fetch : read.waiters) {
      if (fetch.wantsMore(hit(fetch.prefix))) {
        look(fetch);
      }
    }
    resume();
  }

  /** There is room for a read: begins those that waited for it, until there is none again. */
  private void resume() {
    List<FileFetch> waited = List.copyOf(blocked);
    blocked.clear();
    for (FileFetch fetch : waited) {
      if (blocked.isEmpty()) {
        looked(fetch);
      } else {
        blocked.add(fetch);
      }
    }
  }

  /** Nothing more is to come for a request. */
  void stop(FileFetch fetch) {
    if (blocked.remove(fetch)) {
      fetch.looked();
    } else if (fetch.lookup() != null) {
      queue.cancel(fetch.lookup());
    }
    for (Reading read : fetch.running()) {
      read.waiters.remove(fetch);
      if (read.waiters.isEmpty()) {
        queue.cancel(read.job);
      }
    }
  }

  /** What came for a request need not stay for it any more. */
  void release(FileFetch fetch) {
    fetch.kept().forEach(this::release);
    fetch.kept().clear();
    fetches.remove(fetch);
  }

  private void release(HostPart part) {
    reserved.release(part);
    host.rest(part);
  }

  /** What was there is not wanted any more, and no request waits for it. */
  void flush() {
    List.copyOf(fetches).forEach(FileFetch::release);
  }

  /** Parts that stay for requests; each of them has a reader for it. */
  int kept() {
    return reserved.count();
  }

  /**
   * Recounts the parts that are being read, and those that stay for requests.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check() {
    parts.check();
    Set<HostPart> kept = new HashSet<>();
    fetches.forEach(fetch -> kept.addAll(fetch.kept()));
    if (kept.size() != reserved.count()) {
      throw new IllegalStateException(
          kept.size() + " parts stay for requests, booked are " + reserved.count());
    }
  }
}
