package orrery.offload;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Set;
import orrery.prefix.PrefixCache;

/** What one request waits for: a look-up, reads of its own, and those that others have begun. */
final class FileFetch implements PrefixCache.Fetch {
  private static final int MOST_TRIES = 4;

  final Prefix prefix;
  private final StorageReads reads;
  private final int threshold;
  private final Set<Reading> running = new LinkedHashSet<>(); // or ended
  private final Set<HostPart> kept = Collections.newSetFromMap(new IdentityHashMap<>());
  private DiskLookup lookup; // not settled, or of reads that wait for room in the queue
  private boolean stopped;
  private int tries;
  private int tokens;
  private int goal; // tokens of the hit if all comes

  /**
   * @param threshold fewest tokens by which the hit must become longer
   */
  FileFetch(StorageReads reads, Prefix prefix, int threshold) {
    this.reads = reads;
    this.prefix = prefix;
    this.threshold = threshold;
  }

  @Override
  public int tokens() {
    return tokens;
  }

  @Override
  public boolean ended() {
    return lookup == null && running.stream().allMatch(read -> read.ended);
  }

  @Override
  public void stop() {
    if (!stopped) {
      stopped = true;
      reads.stop(this);
    }
  }

  @Override
  public void release() {
    stop();
    reads.release(this);
  }

  boolean stopped() {
    return stopped;
  }

  /** A look-up begins. */
  void looks(DiskLookup job) {
    lookup = job;
    running.clear(); // they have ended
    tries++;
  }

  /** The look-up that has not led to reads yet; null if there is none. */
  DiskLookup lookup() {
    return lookup;
  }

  /** The look-up is over. */
  void looked() {
    lookup = null;
  }

  /**
   * Takes note of what can come.
   *
   * @param from tokens of the hit without it
   * @param to tokens of the hit with it
   * @return whether that is enough to wait for
   */
  boolean finds(int from, int to) {
    boolean enough = to > from && (tries > 1 || to - from >= threshold);
    if (enough && tokens == 0) {
      tokens = to - from;
    }
    goal = to;
    return enough;
  }

  /** It waits for a read. */
  void waitsFor(Reading read) {
    running.add(read);
    read.waiters.add(this);
  }

  /** The reads that it waits for, or has waited for. */
  Set<Reading> running() {
    return running;
  }

  /** Whether it pays to look once more, since less came than was found. */
  boolean wantsMore(int hit) {
    boolean failed = running.stream().anyMatch(read -> read.job.bug().isPresent());
    return ended() && !stopped && !failed && hit < goal && tries < MOST_TRIES;
  }

  /** Parts that stay on the host for it. */
  Set<HostPart> kept() {
    return kept;
  }
}
