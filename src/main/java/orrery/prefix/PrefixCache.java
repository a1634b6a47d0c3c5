package orrery.prefix;

import java.util.List;
import java.util.Optional;
import orrery.events.Event;
import orrery.kv.Arrival;
import orrery.kv.PageTable;

/**
 * Remembers the cached rows of token sequences. A sequence that begins like an earlier one need not
 * compute these rows again.
 *
 * <p>The unit is a <em>block</em>: P tokens and the pages of every pool that hold their rows. A hit
 * of N tokens must satisfy N mod P = 0, and in every pool the pages with the rows that a
 * continuation at N needs must still be there. So a hit cannot end where window pages are gone (at
 * a tombstone). The pages of a hit are only read, never written.
 *
 * <p>To the bit, a row is a function of its token and the tokens before it. So the answer of a
 * sequence never depends on which request computed its pages.
 */
public interface PrefixCache {
  /**
   * A running sequence's hold on the cache. {@link #acquire} makes it, {@link #release} ends it.
   */
  interface Lease {
    /** The hold on blocks that lie in pages; itself, unless a slower memory stands behind these. */
    default Lease inPages() {
      return this;
    }
  }

  /** Rows on their way for a sequence that waits, from memory that is too slow to be hit. */
  interface Fetch {
    /**
     * Tokens that the hit is longer by if all comes; 0 until that is known, and if it is too little
     * to wait for.
     */
    int tokens();

    /** Whether nothing more comes; what came, a hit finds. */
    boolean ended();

    /**
     * Asks for the end, since the sequence waits no longer; does not wait for it. What came stays
     * for the sequence.
     */
    void stop();

    /** The same, since the sequence starts or leaves the queue: what came may go again. */
    void release();
  }

  /**
   * Whether this cache ever remembers anything. If it does, it can pay to wait while another
   * sequence computes a common prefix.
   */
  default boolean remembers() {
    return true;
  }

  /**
   * Finds the longest usable hit among the first {@code limit} tokens; changes nothing.
   *
   * @param tokens the sequence
   * @param salt isolates tenants: only sequences with equal salts share pages
   */
  Match match(int[] tokens, int limit, String salt);

  /**
   * Begins a sequence: puts the pages of the longest hit into its empty table.
   *
   * @param limit the hit must leave something to compute, so at most ⌊(length − 1) / P⌋ · P; less
   *     if earlier rows are wanted too, as those that score a prompt are
   * @param retentions what the sequence says about how long its blocks are kept; no answer and no
   *     hit depends on it, but what is evicted first does
   * @see #load() if the table lacks pages whose rows a slower memory has
   */
  Hit acquire(int[] tokens, int limit, String salt, Retentions retentions, PageTable table);

  /** Begins a sequence that says nothing about how long its blocks are kept. */
  default Hit acquire(int[] tokens, int limit, String salt, PageTable table) {
    return acquire(tokens, limit, salt, Retentions.NONE, table);
  }

  /**
   * Begins to bring rows for a sequence that waits, from memory that is too slow to be hit. What
   * that memory has is not known yet.
   *
   * @param tokens the first {@code limit} of them do not change until the end
   * @param threshold fewest tokens by which the hit must become longer
   * @return empty if there is no such memory, or the hit cannot become longer by so many tokens
   */
  default Optional<Fetch> fetch(int[] tokens, int limit, String salt, int threshold) {
    return Optional.empty();
  }

  /**
   * How often rows have left that a hit may have had. While it stays as it is, no hit becomes
   * shorter; only a cache with tiers counts.
   */
  default long losses() {
    return 0;
  }

  /**
   * Whether slower memory has nothing to do and is still to get something, so that a {@link
   * #settle} is due; any thread may ask.
   */
  default boolean owes() {
    return false;
  }

  /** Takes note of what has come, gone and been copied in slower memory. */
  default void settle() {}

  /** Saves what should outlive the process, while there is nothing else to do. */
  default void rest() {}

  /**
   * Waits until what is saved is on the disk; nothing is saved or fetched after this.
   *
   * @return whether there is such memory: then {@link #tiers} has the last of it to tell
   */
  default boolean drain() {
    return false;
  }

  /** Whether slower memory stands behind the pages, so that hits may have to be loaded. */
  default boolean hasTiers() {
    return false;
  }

  /** Pages of a pool that the tables of hits taken since the last {@link #load} lack. */
  default int lacking(int pool) {
    return 0;
  }

  /**
   * Gives these tables the pages that they lack, which must be free, and begins to load their rows.
   * All hits of a step are taken before: making room for the pages of one could cost another hit.
   *
   * @return tells when the rows are there; {@link #insert} and what reads them must wait for that
   */
  default Arrival load() {
    return Arrival.COMPLETE;
  }

  /**
   * Makes the lease of another sequence with the same tokens so far. Its table shares the pages
   * already ({@link orrery.kv.KvCache#fork}).
   */
  Lease fork(Lease lease);

  /**
   * Puts the complete blocks among the first {@code complete} tokens into the cache. The rows of
   * these tokens must be written in all streams. Where an equal block is there already, the
   * sequence takes over its pages (radix tree), or both blocks are kept (hash blocks).
   *
   * @return how many blocks are new
   */
  int insert(Lease lease, int[] tokens, int complete, PageTable table);

  /** Ends the lease of a sequence, after the pages of its table were released. */
  void release(Lease lease);

  /**
   * Evicts until {@code pages} more pages of a pool are free. If so many cannot become free, it
   * evicts nothing. All idle pages of a pool can become free, and no others.
   *
   * @return how many pages became free; more than asked for where pages go together
   */
  int evict(int pool, int pages);

  /** Drops every block that no running sequence holds; slower memory of the process too. */
  void clear();

  /** How many blocks the cache has, for reports. */
  int blocks();

  /** The blocks of this cache, for events. */
  BlockBook book();

  /**
   * What moved between the tiers since the last call, and how they stand; nothing if there is one.
   *
   * @param nanos the events' time
   */
  default List<Event.Tiers> tiers(long nanos) {
    return List.of();
  }

  /**
   * Recounts everything.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check();

  /** Gives back what it holds beside pages; nothing may be on its way. */
  default void close() {}

  /**
   * The hit that {@link #match} found.
   *
   * @param tokens length of the hit, 0 if none
   * @param takes [pool] pages that count as free until the hit is taken: those that no sequence
   *     holds, and new ones for rows that are loaded
   * @param loads how many of these, of all pools, are loaded
   */
  record Match(int tokens, int[] takes, int loads) {
    /** Nothing is hit. */
    public static Match none(int pools) {
      return new Match(0, new int[pools], 0);
    }
  }

  /**
   * The hit that {@link #acquire} took.
   *
   * @param tokens length of the hit, 0 if none
   * @param loads pages of the hit, of all pools, that are to be loaded
   * @param loadedTokens tokens of the blocks that lack such a page
   */
  record Hit(int tokens, Lease lease, int loads, int loadedTokens) {
    /** A hit whose pages are all there. */
    Hit(int tokens, Lease lease) {
      this(tokens, lease, 0, 0);
    }
  }
}
