package orrery.prefix;

import java.util.Arrays;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * P tokens and the pages that hold their rows. In a pool that evicted its pages, the block is a
 * tombstone.
 */
final class Block {
  final int[] tokens; // [P]
  private final int[][] pages; // [pool][P / span], or null where the pages are gone
  long lastUse;

  private Block(int[] tokens, int[][] pages) {
    this.tokens = tokens;
    this.pages = pages;
  }

  /** Makes block {@code index} of a sequence and marks its pages as cached. */
  static Block keep(KvCache kv, int[] tokens, int index, PageTable table) {
    int p = kv.geometry().pageTokens();
    int[][] pages = new int[kv.geometry().pools()][];
    for (int pool = 0; pool < pages.length; pool++) {
      int per = p / kv.geometry().span(pool);
      if (index * per >= table.first(pool)) { // otherwise the window has passed these pages already
        pages[pool] = Arrays.copyOfRange(table.pages(pool), index * per, (index + 1) * per);
        for (int page : pages[pool]) {
          kv.pool(pool).keep(page);
        }
      }
    }
    return new Block(Arrays.copyOfRange(tokens, index * p, (index + 1) * p), pages);
  }

  boolean live(int pool) {
    return pages[pool] != null;
  }

  /**
   * Whether at least one page of the block in a pool is held by the cache only. One page is enough:
   * a window passes page by page, and the scheduler counts on every idle page.
   */
  boolean idle(KvCache kv, int pool) {
    for (int i = 0; pages[pool] != null && i < pages[pool].length; i++) {
      if (kv.pool(pool).references(pages[pool][i]) == 0) {
        return true;
      }
    }
    return false;
  }

  int[] pages(int pool) {
    return pages[pool];
  }

  /** Drops the pages of one pool and returns how many they were. */
  int evict(KvCache kv, int pool) {
    if (pages[pool] == null) {
      return 0;
    }
    for (int page : pages[pool]) {
      kv.evict(pool, page);
    }
    int n = pages[pool].length;
    pages[pool] = null;
    return n;
  }

  /** Drops the pages of all pools. */
  void evictAll(KvCache kv) {
    for (int pool = 0; pool < pages.length; pool++) {
      evict(kv, pool);
    }
  }

  /**
   * Takes pages from the table of an equal block, for every pool in which this block has none any
   * more.
   */
  void revive(KvCache kv, int index, PageTable table) {
    for (int pool = 0; pool < pages.length; pool++) {
      int per = kv.geometry().pageTokens() / kv.geometry().span(pool);
      if (pages[pool] == null && index * per >= table.first(pool)) {
        pages[pool] = Arrays.copyOfRange(table.pages(pool), index * per, (index + 1) * per);
        for (int page : pages[pool]) {
          kv.pool(pool).keep(page);
        }
      }
    }
  }

  boolean holds(int[] sequence, int index) {
    return Arrays.equals(
        tokens, 0, tokens.length, sequence, index * tokens.length, (index + 1) * tokens.length);
  }
}
