package orrery.prefix;

import java.util.List;
import java.util.function.IntConsumer;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * Finds where a hit may end and puts its pages into a table, in the same way for every prefix
 * cache.
 */
final class Hits {
  private final KvCache kv;
  private final int[] needs; // [pool] tokens before N that must be live for a hit at N

  Hits(KvCache kv) {
    this.kv = kv;
    this.needs = new int[kv.geometry().pools()];
    for (int s = 0; s < kv.layout().streams().size(); s++) {
      int pool = kv.layout().poolOf(s);
      needs[pool] = Math.max(needs[pool], kv.layout().streams().get(s).needs());
    }
  }

  /** Whether the pages of a pool may be evicted while their block stays. */
  boolean windowed(int pool) {
    return kv.geometry().keeps(pool) != Stream.ALL;
  }

  /** How many of the matched blocks, from the first on, make the longest usable hit. */
  int usable(List<Block> matched) {
    for (int n = matched.size(); n > 0; n--) {
      if (endsAt(matched, n)) {
        return n;
      }
    }
    return 0;
  }

  private boolean endsAt(List<Block> matched, int n) {
    for (int pool = 0; pool < needs.length; pool++) {
      for (int b = firstNeeded(pool, n); b < n; b++) {
        if (!matched.get(b).live(pool)) {
          return false;
        }
      }
    }
    return true;
  }

  private int firstNeeded(int pool, int blocks) {
    return firstPage(pool, blocks) * kv.geometry().span(pool) / kv.geometry().pageTokens();
  }

  /** The first page of a pool that a continuation after {@code blocks} blocks may read. */
  private int firstPage(int pool, int blocks) {
    int tokens = blocks * kv.geometry().pageTokens();
    return needs[pool] == Stream.ALL
        ? 0
        : Math.max(0, tokens - needs[pool]) / kv.geometry().span(pool);
  }

  /** Visits the pages of a pool that a hit of {@code n} blocks takes. */
  private void each(List<Block> matched, int n, int pool, IntConsumer visit) {
    int per = kv.geometry().pageTokens() / kv.geometry().span(pool);
    for (int i = firstPage(pool, n); i < n * per; i++) {
      visit.accept(matched.get(i / per).pages(pool)[i % per]);
    }
  }

  /** The usable hit among matched blocks. */
  PrefixCache.Match match(List<Block> matched) {
    int n = usable(matched);
    int[] idle = new int[needs.length];
    for (int pool = 0; pool < needs.length; pool++) {
      int p = pool;
      each(matched, n, p, page -> idle[p] += kv.pool(p).references(page) == 0 ? 1 : 0);
    }
    return new PrefixCache.Match(n * kv.geometry().pageTokens(), idle);
  }

  /** Fills an empty table with the pages that a continuation after {@code n} blocks may read. */
  void fill(PageTable table, List<Block> matched, int n) {
    for (int pool = 0; pool < needs.length; pool++) {
      int p = pool;
      kv.skip(table, p, firstPage(p, n));
      each(matched, n, p, page -> kv.share(table, p, page));
    }
  }
}
