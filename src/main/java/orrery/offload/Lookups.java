package orrery.offload;

import java.util.function.Predicate;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.prefix.BlockCache;
import orrery.prefix.Hits;
import orrery.prefix.PrefixCache.Match;

/** Looks prefixes up in the cache over pages and in slower memory. */
final class Lookups {
  private static final int MOST_KEYS = 4096; // remembered: about a MB

  private final KvCache kv;
  private final BlockCache device;
  private final PartLayout layout;
  private final HostIndex host;
  private final Stores stores;
  private final Hits hits;
  private final BlockKeys keys;

  /**
   * @param rows all that a row depends on beside tokens and salt, as in {@link BlockKey#root}
   */
  Lookups(
      KvCache kv,
      BlockCache device,
      PartLayout layout,
      HostIndex host,
      Stores stores,
      String rows) {
    this.kv = kv;
    this.device = device;
    this.layout = layout;
    this.host = host;
    this.stores = stores;
    this.hits = new Hits(kv);
    this.keys = new BlockKeys(rows, MOST_KEYS);
  }

  /** The names of blocks. */
  BlockKeys keys() {
    return keys;
  }

  /** The blocks that pages and host memory have together. */
  Lookup inMemory(Prefix prefix) {
    return with(prefix, part -> host.whole(part) != null);
  }

  /**
   * The blocks that pages and something slower have together.
   *
   * @param has whether that has a part
   */
  Lookup with(Prefix prefix, Predicate<Part> has) {
    BlockCache.Walk walk = device.walk(prefix.tokens(), prefix.limit(), prefix.salt());
    return new Lookup(kv.geometry(), layout, stores, has, walk, keys, prefix);
  }

  /** Blocks of the longest hit. */
  int usable(Lookup found) {
    return hits.usable(found.found(), found);
  }

  /** Tokens of the longest hit. */
  int tokens(Lookup found) {
    return usable(found) * kv.geometry().pageTokens();
  }

  /** The longest hit. */
  Match match(Lookup found) {
    return hits.match(found.found(), found);
  }

  /** Puts the pages of a hit of {@code n} blocks into a table. */
  void fill(PageTable table, int n, Lookup found) {
    hits.fill(table, n, found);
  }
}
