package orrery.prefix;

import orrery.kv.PageTable;

/**
 * Remembers the cached rows of token sequences, so that a sequence that begins like an earlier one
 * need not compute them again.
 *
 * <p>The unit is a <em>block</em>: P tokens and the pages of every pool that hold their rows. A hit
 * of N tokens must satisfy N mod P = 0, and for every pool the rows that a continuation at N needs
 * must still be there; block ends where window pages are gone (tombstones) are no end of a hit.
 * What is hit is only ever read.
 *
 * <p>Rows are a function of the tokens before them, to the bit, so whose pages serve a sequence
 * never changes its answer.
 */
public interface PrefixCache {
  /**
   * A running sequence's hold on the cache; made by {@link #acquire}, ended by {@link #release}.
   */
  interface Lease {}

  /** Whether it ever remembers anything, so that waiting for somebody's prefix can pay. */
  default boolean remembers() {
    return true;
  }

  /**
   * The longest usable hit among the first {@code limit} tokens; changes nothing.
   *
   * @param tokens the sequence
   * @param salt isolates tenants: only sequences with equal salts share
   */
  Match match(int[] tokens, int limit, String salt);

  /**
   * Begins a sequence: puts the pages of the longest hit into its empty table.
   *
   * @param limit the hit must leave something to compute, so at most ⌊(length − 1) / P⌋ · P
   */
  Hit acquire(int[] tokens, int limit, String salt, PageTable table);

  /** Another sequence with the same tokens so far, whose table already shares the pages. */
  Lease fork(Lease lease);

  /**
   * Takes the complete blocks among the first {@code complete} tokens, whose rows of all streams
   * are written, into the cache. Where a block is there already, the sequence goes over to its
   * pages (radix) or both are kept (hash blocks).
   *
   * @return how many blocks are new
   */
  int insert(Lease lease, int[] tokens, int complete, PageTable table);

  /** Ends a sequence, after its table's pages were released. */
  void release(Lease lease);

  /** Evicts until {@code pages} more pages of a pool are free, or nothing more can go. */
  int evict(int pool, int pages);

  /** Drops everything that no running sequence holds. */
  void clear();

  /** Blocks held, for reports. */
  int blocks();

  /**
   * Recounts everything.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check();

  /**
   * What {@link #match} sees.
   *
   * @param tokens length of the hit, 0 if none
   * @param idle [pool] pages of the hit that no sequence holds: they count as free until it is
   *     taken
   */
  record Match(int tokens, int[] idle) {}

  /**
   * What {@link #acquire} found.
   *
   * @param tokens length of the hit, 0 if none
   */
  record Hit(int tokens, Lease lease) {}
}
