package orrery.prefix;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import orrery.kv.KvCache;
import orrery.kv.PagePool;

/**
 * Watches one eviction: no page goes that has a higher priority than one that stays and could have
 * gone in its place. Knows only what pages hold, and nothing of blocks, trees and hashes.
 */
final class LowestFirst {
  private final PagePool pages;
  private final Set<Integer> cached = new HashSet<>();
  private final Map<Integer, Integer> priorities = new HashMap<>(); // of all cached pages
  private final Set<Integer> couldGo = new HashSet<>();

  /** Looks at a pool; what has fallen back to the usual priority must have done so already. */
  LowestFirst(KvCache kv, CachedPages held, int pool) {
    pages = kv.pool(pool);
    Map<Integer, String> texts = held.texts(pool);
    Set<String> before = new HashSet<>(); // what stands before a block, so that it is needed
    if (kv.geometry().needsAll(pool)) {
      int p = kv.geometry().pageTokens();
      texts.values().forEach(t -> before.add(t.substring(0, Math.max(0, t.length() - p))));
    }
    texts.forEach(
        (page, text) -> {
          cached.add(page);
          priorities.put(page, pages.priority(page));
          if (pages.references(page) == 0 && !before.contains(text)) {
            couldGo.add(page);
          }
        });
  }

  /** Whether some page of those that could go has another priority than others. */
  boolean choice() {
    return couldGo.stream().map(priorities::get).distinct().count() > 1;
  }

  void requireHeld() {
    int least = Integer.MAX_VALUE; // priority of what could have gone and stays
    int most = Integer.MIN_VALUE; // priority of what went
    for (int page : cached) {
      if (!pages.isCached(page)) {
        most = Math.max(most, priorities.get(page));
      } else if (couldGo.contains(page)) {
        least = Math.min(least, priorities.get(page));
      }
    }
    if (most > least) {
      throw new AssertionError("a page of priority " + most + " went before one of " + least);
    }
  }
}
