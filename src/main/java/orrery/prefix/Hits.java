package orrery.prefix;

import java.util.List;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;

/**
 * Finds where a hit may end and puts its pages into a table, in the same way for every prefix
 * cache.
 */
public final class Hits {
  /** In place of a page whose rows are not in the KV cache, but can be loaded. */
  public static final int ELSEWHERE = -1;

  /** Where the pages of the found blocks are. */
  public interface Pages {
    /** Page {@code i} of a pool in a block, {@link #ELSEWHERE}, or {@link Block#GONE}. */
    int page(int block, int pool, int i);
  }

  private final KvCache kv;
  private final KvGeometry geometry;

  public Hits(KvCache kv) {
    this.kv = kv;
    this.geometry = kv.geometry();
  }

  /** The pages of blocks that are in the KV cache only. */
  static Pages of(List<? extends Block> blocks) {
    return (block, pool, i) -> blocks.get(block).page(pool, i);
  }

  /**
   * How many blocks, from the first on, make the longest usable hit.
   *
   * @param found blocks; of pools of which a prefix needs all pages, they have all
   */
  public int usable(int found, Pages pages) {
    int n = found;
    int before;
    do {
      before = n;
      for (int pool = 0; pool < geometry.pools(); pool++) {
        n = usable(n, pool, pages);
      }
    } while (n < before);
    return n;
  }

  /** The longest hit of at most {@code n} blocks for which a pool has all pages. */
  private int usable(int n, int pool, Pages pages) {
    if (geometry.needsAll(pool)) {
      return n; // a block that has lost such a page is not in the cache any more
    }
    int per = geometry.perBlock(pool);
    int hit = n;
    for (int i = hit * per - 1; i >= first(pool, hit); i--) {
      if (pages.page(i / per, pool, i % per) == Block.GONE) {
        hit = i / per; // any longer hit up to the one before needs this page too
      }
    }
    return hit;
  }

  /** The first page of a pool that a continuation behind {@code n} blocks may read. */
  private int first(int pool, int n) {
    return geometry.unneeded(pool, n * geometry.pageTokens());
  }

  /** Takes a page that a hit needs. */
  private interface Visit {
    void page(int pool, int page);
  }

  /** Visits the pages of a pool that a hit of {@code n} blocks takes. */
  private void each(int n, int pool, Pages pages, Visit visit) {
    int per = geometry.perBlock(pool);
    for (int i = first(pool, n); i < n * per; i++) {
      visit.page(pool, pages.page(i / per, pool, i % per));
    }
  }

  /** The usable hit among found blocks. */
  public PrefixCache.Match match(int found, Pages pages) {
    int n = usable(found, pages);
    int[] takes = new int[geometry.pools()];
    int[] loads = new int[1];
    for (int pool = 0; pool < takes.length; pool++) {
      each(
          n,
          pool,
          pages,
          (of, page) -> {
            loads[0] += page == ELSEWHERE ? 1 : 0;
            takes[of] += page == ELSEWHERE || kv.pool(of).references(page) == 0 ? 1 : 0;
          });
    }
    return new PrefixCache.Match(n * geometry.pageTokens(), takes, loads[0]);
  }

  /**
   * Fills an empty table with the pages that a continuation after {@code n} blocks may read. Places
   * of pages that are elsewhere stay empty.
   */
  public void fill(PageTable table, int n, Pages pages) {
    for (int pool = 0; pool < geometry.pools(); pool++) {
      kv.skip(table, pool, first(pool, n));
      each(
          n,
          pool,
          pages,
          (of, page) -> {
            if (page == ELSEWHERE) {
              kv.leaveOut(table, of);
            } else {
              kv.share(table, of, page);
            }
          });
    }
  }
}
