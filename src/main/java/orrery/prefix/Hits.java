package orrery.prefix;

import java.util.List;
import java.util.function.IntConsumer;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;

/**
 * Finds where a hit may end and puts its pages into a table, in the same way for every prefix
 * cache.
 */
final class Hits {
  private final KvCache kv;
  private final KvGeometry geometry;

  Hits(KvCache kv) {
    this.kv = kv;
    this.geometry = kv.geometry();
  }

  /** How many of the matched blocks, from the first on, make the longest usable hit. */
  int usable(List<? extends Block> matched) {
    int n = matched.size();
    int before;
    do {
      before = n;
      for (int pool = 0; pool < geometry.pools(); pool++) {
        n = usable(matched, n, pool);
      }
    } while (n < before);
    return n;
  }

  /** The longest hit of at most {@code n} blocks for which a pool has all pages. */
  private int usable(List<? extends Block> matched, int n, int pool) {
    if (geometry.needsAll(pool)) {
      return n; // a block that has lost such a page is not in the cache any more
    }
    int per = geometry.perBlock(pool);
    int hit = n;
    for (int i = hit * per - 1; i >= first(pool, hit); i--) {
      if (matched.get(i / per).page(pool, i % per) == Block.GONE) {
        hit = i / per; // any longer hit up to the one before needs this page too
      }
    }
    return hit;
  }

  /** The first page of a pool that a continuation behind {@code n} blocks may read. */
  private int first(int pool, int n) {
    return geometry.unneeded(pool, n * geometry.pageTokens());
  }

  /** Visits the pages of a pool that a hit of {@code n} blocks takes. */
  private void each(List<? extends Block> matched, int n, int pool, IntConsumer visit) {
    int per = geometry.perBlock(pool);
    for (int i = first(pool, n); i < n * per; i++) {
      visit.accept(matched.get(i / per).page(pool, i % per));
    }
  }

  /** The usable hit among matched blocks. */
  PrefixCache.Match match(List<? extends Block> matched) {
    int n = usable(matched);
    int[] idle = new int[geometry.pools()];
    for (int pool = 0; pool < idle.length; pool++) {
      int p = pool;
      each(matched, n, p, page -> idle[p] += kv.pool(p).references(page) == 0 ? 1 : 0);
    }
    return new PrefixCache.Match(n * geometry.pageTokens(), idle);
  }

  /** Fills an empty table with the pages that a continuation after {@code n} blocks may read. */
  void fill(PageTable table, List<? extends Block> matched, int n) {
    for (int pool = 0; pool < geometry.pools(); pool++) {
      int p = pool;
      kv.skip(table, p, first(p, n));
      each(matched, n, p, page -> kv.share(table, p, page));
    }
  }
}
