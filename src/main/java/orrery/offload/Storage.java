package orrery.offload;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import orrery.prefix.PrefixCache;

/**
 * Parts on their way between host memory and files. Only the engine's thread touches it.
 *
 * <pre>
 *   a part is whole on the host ──(write-through)──> write ──> the slot is kept until it is done
 *   a part is among the next that leave the host ──> write, if files do not have it
 *   a request waits ──> slots ──> reads, block by block ──> each part is whole as soon as it came
 * </pre>
 */
final class Storage implements HostIndex.Behind {
  private static final int MOST_AHEAD = 64; // parts that are saved before their slots are wanted

  /** Parts that are read for the requests that wait for one of them. */
  private static final class Reading {
    final Prefetch job;
    final List<HostPart> parts;
    final Set<Fetch> waiters = new LinkedHashSet<>();
    int whole; // the first parts

    Reading(Prefetch job, List<HostPart> parts) {
      this.job = job;
      this.parts = parts;
    }
  }

  /** What one request waits for: reads of its own, and those that others have begun. */
  private final class Fetch implements PrefixCache.Fetch {
    private final int tokens;
    private final List<Reading> reads;

    Fetch(int tokens, List<Reading> reads) {
      this.tokens = tokens;
      this.reads = reads;
      reads.forEach(read -> read.waiters.add(this));
    }

    @Override
    public int tokens() {
      return tokens;
    }

    @Override
    public boolean ended() {
      return reads.stream().noneMatch(running::contains);
    }

    @Override
    public void stop() {
      for (Reading read : reads) {
        read.waiters.remove(this);
        if (read.waiters.isEmpty() && running.contains(read)) {
          files.queue().cancel(read.job);
        }
      }
    }
  }

  private final FileTier files;
  private final PartLayout layout;
  private final HostIndex host;
  private final WritePolicy policy;
  private final TierReport report;
  private final Set<Reading> running = new LinkedHashSet<>(); // not settled
  private final Map<Part, Reading> arriving = new HashMap<>();
  private final Map<DiskWrite, HostPart> writes = new IdentityHashMap<>(); // not settled

  Storage(
      FileTier files, PartLayout layout, HostIndex host, WritePolicy policy, TierReport report) {
    this.files = files;
    this.layout = layout;
    this.host = host;
    this.policy = policy;
    this.report = report;
    host.behind(this);
  }

  /** A part is whole on the host. */
  void stored(HostPart part) {
    if (policy != WritePolicy.WRITE_BACK && !write(part)) {
      report.fault("busy", part.part + ": too many writes wait; it is written when it leaves");
    }
  }

  /**
   * Begins to write a part, if files do not have it; returns false if too many writes wait. The
   * disk's thread asks the files, not this one.
   */
  private boolean write(HostPart part) {
    DiskWrite job = new DiskWrite(part.part, part.slot);
    boolean waits = files.queue().write(job);
    if (waits) {
      part.read();
      writes.put(job, part);
    }
    return waits;
  }

  /** Begins to write all parts that only the host has; nothing is stored after this. */
  void saveAll() {
    Set<HostPart> waiting = Collections.newSetFromMap(new IdentityHashMap<>());
    waiting.addAll(writes.values());
    for (int pool = 0; pool < layout.pools(); pool++) {
      host.each(
          pool,
          part -> {
            if (serves(part) && part.whole() && !part.behind() && !waiting.contains(part)) {
              begin(new DiskWrite(part.part, part.slot), part);
            }
          });
    }
  }

  private void begin(DiskWrite job, HostPart part) {
    if (files.queue().writeLast(job)) {
      part.read();
      writes.put(job, part);
    }
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
  public void leaving(HostPart part) {
    write(part);
  }

  @Override
  public void lost(HostPart part) {
    report.fault("lost", part.part + ": left host memory before it could be written");
  }

  /** Whether the host or files have a part, or will have it soon. */
  boolean reaches(Part part) {
    HostPart found = host.find(part);
    return found == null ? files.store().contains(part) : serves(found);
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
   * @param blocks of the prefix
   * @param tokens that the hit would be longer by
   * @return empty if nothing could be begun
   */
  Optional<PrefixCache.Fetch> fetch(Lookup reach, int blocks, int tokens) {
    List<HostPart> kept = new ArrayList<>(); // parts of the prefix: room is not made of them
    Set<Reading> reads = new LinkedHashSet<>();
    List<Part> wanted = new ArrayList<>();
    for (int block = 0; block < blocks; block++) {
      for (int pool = 0; pool < layout.pools(); pool++) {
        if (layout.pages(pool) > 0 && !reach.inPages(block, pool)) {
          sort(new Part(reach.key(block), pool), kept, reads, wanted);
        }
      }
    }
    kept.forEach(HostPart::read);
    List<HostPart> taken = take(wanted);
    kept.forEach(HostPart::unread);
    if (!taken.isEmpty()) {
      begin(taken).ifPresent(reads::add);
    }
    return reads.isEmpty() ? Optional.empty() : Optional.of(new Fetch(tokens, List.copyOf(reads)));
  }

  private void sort(Part part, List<HostPart> kept, Set<Reading> reads, List<Part> wanted) {
    HostPart found = host.find(part);
    if (found == null && files.store().contains(part)) {
      wanted.add(part);
    } else if (found != null && found.flushed()) {
      return; // its slot is not free yet; the block is computed
    } else if (found != null && found.arriving()) {
      reads.add(arriving.get(part));
    } else if (found != null) {
      kept.add(found);
    }
  }

  /** Slots for the first of these parts, as many as can be had. */
  private List<HostPart> take(List<Part> wanted) {
    List<HostPart> taken = new ArrayList<>();
    for (Part part : wanted) {
      HostPart added = host.add(part);
      if (added == null) {
        break;
      }
      added.arrive();
      host.storing(part.pool(), 1);
      taken.add(added);
    }
    return taken;
  }

  private Optional<Reading> begin(List<HostPart> parts) {
    int[] slots = parts.stream().mapToInt(part -> part.slot).toArray(); // [parts]
    Reading read =
        new Reading(new Prefetch(parts.stream().map(p -> p.part).toList(), slots), parts);
    if (!files.queue().read(read.job)) {
      report.fault("busy", "too many requests wait for files; one more computes its prompt");
      parts.forEach(this::drop);
      return Optional.empty();
    }
    running.add(read);
    parts.forEach(part -> arriving.put(part.part, read));
    return Optional.of(read);
  }

  private void drop(HostPart part) {
    arriving.remove(part.part);
    host.storing(part.part.pool(), -1);
    host.remove(part);
  }

  /** Takes note of what has been read and written. */
  void settle() {
    for (StoreFault f = files.faults().poll(); f != null; f = files.faults().poll()) {
      report.fault(f.kind().name().toLowerCase(Locale.ROOT), f.toString());
    }
    List<DiskJob> ended = new ArrayList<>();
    files.queue().settled(ended::add);
    running.forEach(this::came); // after the queue was asked: what has ended has its last count
    for (DiskJob job : ended) {
      job.bug().ifPresent(bug -> told(job, bug));
      switch (job) {
        case DiskWrite write -> written(write);
        case Prefetch read -> end(read);
      }
    }
  }

  /** A bug of ours in one job fails no request; an error of the JVM ends the engine. */
  private void told(DiskJob job, Throwable bug) {
    if (bug instanceof Error) {
      throw new IllegalStateException("the disk's thread: " + bug, bug);
    }
    report.fault("bug", job + ": " + bug);
  }

  private void came(Reading read) {
    for (int came = read.job.came(); read.whole < came; read.whole++) {
      HostPart part = read.parts.get(read.whole);
      part.arrived();
      arriving.remove(part.part);
      host.storing(part.part.pool(), -1);
      host.rest(part);
    }
  }

  private void end(Prefetch job) {
    Reading read = running.stream().filter(r -> r.job == job).findFirst().orElseThrow();
    read.parts.subList(read.whole, read.parts.size()).forEach(this::drop);
    running.remove(read);
    report.read(job);
  }

  private void written(DiskWrite job) {
    HostPart part = writes.remove(job);
    part.unread();
    part.nowBehind(); // if it was refused too: asking again would not help
    host.rest(part);
    if (job.bytes() > 0) { // else it was there, or was refused
      report.written(job);
    }
  }

  /** Parts that are being written. */
  int writing() {
    return writes.size();
  }

  /**
   * Recounts the parts that are being read.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check() {
    int[] found = new int[1];
    for (int pool = 0; pool < layout.pools(); pool++) {
      host.each(pool, part -> found[0] += part.arriving() ? 1 : 0);
    }
    int expected = running.stream().mapToInt(r -> r.parts.size() - r.whole).sum();
    if (found[0] != expected || arriving.size() != expected) {
      throw new IllegalStateException(
          expected
              + " parts are being read, but "
              + found[0]
              + " slots wait for one, and "
              + arriving.size()
              + " names");
    }
  }

  void close() {
    files.close();
  }
}
