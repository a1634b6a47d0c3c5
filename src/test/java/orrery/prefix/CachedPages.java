package orrery.prefix;

import java.util.HashMap;
import java.util.Map;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;

/**
 * The plain model of a prefix cache: which rows of which prefixes lie in cached pages. It learns
 * what entered from the page tables, and what went from the pools, and knows nothing of blocks,
 * trees and hashes.
 */
final class CachedPages {
  private final KvCache kv;
  private final KvGeometry geometry;
  private final Map<String, Integer> copies = new HashMap<>(); // cached pages by what they hold
  private final String[][] held; // [pools][pages] what a cached page holds, else null

  CachedPages(KvCache kv) {
    this.kv = kv;
    this.geometry = kv.geometry();
    this.held = new String[geometry.pools()][];
    for (int pool = 0; pool < held.length; pool++) {
      held[pool] = new String[kv.pool(pool).total()];
    }
  }

  /** The tokens of a sequence with its salt; what a page holds is a beginning of it. */
  static String text(String salt, int[] tokens) {
    StringBuilder s = new StringBuilder(salt).append(':');
    for (int token : tokens) {
      s.append((char) ('0' + token));
    }
    return s.toString();
  }

  /** What a page holds; a page is found with the whole block that it belongs to, or not at all. */
  private String key(String text, String salt, int pool, int page) {
    int slots = (page / geometry.perBlock(pool) + 1) * geometry.pageTokens();
    return pool + "/" + page + "/" + text.substring(0, salt.length() + 1 + slots);
  }

  /** Learns which pages entered when the blocks of the tokens [from, to) were complete. */
  void entered(Played s, int from, int to) {
    String text = text(s.salt, s.tokens);
    for (int pool = 0; pool < held.length; pool++) {
      int first = Math.max(geometry.blockPages(pool, from), s.table.first(pool));
      for (int i = first; i < geometry.blockPages(pool, to); i++) {
        int page = s.table.pages(pool)[i];
        if (kv.pool(pool).isCached(page) && held[pool][page] == null) {
          held[pool][page] = key(text, s.salt, pool, i);
          copies.merge(held[pool][page], 1, Integer::sum);
        }
      }
    }
  }

  /** Learns which pages are not cached any more; must be called before they are used again. */
  void sweep() {
    for (int pool = 0; pool < held.length; pool++) {
      for (int page = 1; page < held[pool].length; page++) {
        if (held[pool][page] != null && !kv.pool(pool).isCached(page)) {
          copies.merge(held[pool][page], -1, Integer::sum);
          held[pool][page] = null;
        }
      }
    }
  }

  /** The longest hit that the rule allows: in every pool, the rows that it needs are there. */
  int longestHit(int[] tokens, int limit, String salt) {
    String text = text(salt, tokens);
    int n = limit / geometry.pageTokens() * geometry.pageTokens();
    while (n > 0 && !allowed(text, salt, n)) {
      n -= geometry.pageTokens();
    }
    return n;
  }

  private boolean allowed(String text, String salt, int n) {
    for (int pool = held.length - 1; pool >= 0; pool--) {
      int needed = Math.min(n, geometry.needs(pool));
      for (int page = (n - needed) / geometry.span(pool); page * geometry.span(pool) < n; page++) {
        if (copies.getOrDefault(key(text, salt, pool, page), 0) == 0) {
          return false;
        }
      }
    }
    return true;
  }
}
