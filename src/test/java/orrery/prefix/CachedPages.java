package orrery.prefix;

import java.util.HashMap;
import java.util.Map;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.offload.BlockKey;
import orrery.offload.Part;
import orrery.offload.TieredCache;

/**
 * The plain model of a prefix cache: which rows of which prefixes lie in cached pages. It learns
 * what entered from the page tables, and what went from the pools, and knows nothing of blocks,
 * trees and hashes. Of host memory it asks for each part by its name.
 */
final class CachedPages {
  private final PrefixCache cache;

  /** What rows depend on beside tokens and salt. */
  static final String ROWS = "played";

  private final KvCache kv;
  private final KvGeometry geometry;
  private final Map<String, Integer> copies = new HashMap<>(); // cached pages by what they hold
  private final String[][] held; // [pools][pages] what a cached page holds, else null

  CachedPages(KvCache kv, PrefixCache cache) {
    this.cache = cache;
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

  /** What all cached pages of a pool hold, by page. */
  Map<Integer, String> texts(int pool) {
    Map<Integer, String> texts = new HashMap<>();
    for (int page = 1; page < held[pool].length; page++) {
      if (held[pool][page] != null) {
        texts.put(page, held[pool][page].split("/", 3)[2]);
      }
    }
    return texts;
  }

  /** The longest hit that the rule allows: in every pool, the rows that it needs are there. */
  int longestHit(int[] tokens, int limit, String salt) {
    String text = text(salt, tokens);
    int p = geometry.pageTokens();
    BlockKey[] keys = new BlockKey[limit / p]; // [blocks]
    for (int b = 0; b < keys.length && cache instanceof TieredCache; b++) {
      BlockKey before = b == 0 ? BlockKey.root(ROWS, salt) : keys[b - 1];
      keys[b] = before.next(tokens, b * p, (b + 1) * p);
    }
    int n = limit / p * p;
    while (n > 0 && !allowed(text, salt, n, keys)) {
      n -= p;
    }
    return n;
  }

  private boolean onHost(BlockKey[] keys, int pool, int page) {
    int per = geometry.perBlock(pool);
    return cache instanceof TieredCache tiers
        && page % per >= geometry.unneededOfBlock(pool)
        && tiers.onHost(new Part(keys[page / per], pool));
  }

  private boolean allowed(String text, String salt, int n, BlockKey[] keys) {
    for (int pool = held.length - 1; pool >= 0; pool--) {
      int needed = Math.min(n, geometry.needs(pool));
      for (int page = (n - needed) / geometry.span(pool); page * geometry.span(pool) < n; page++) {
        if (copies.getOrDefault(key(text, salt, pool, page), 0) == 0 && !onHost(keys, pool, page)) {
          return false;
        }
      }
    }
    return true;
  }
}
