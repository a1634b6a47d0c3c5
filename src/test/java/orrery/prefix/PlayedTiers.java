package orrery.prefix;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.offload.DiskQueue;
import orrery.offload.FileTier;
import orrery.offload.HostPool;
import orrery.offload.InlineMover;
import orrery.offload.PartLayout;
import orrery.offload.PartStore;
import orrery.offload.TieredCache;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCache.Match;

/**
 * A cache with tiers and blocks of 4 tokens, on which a test plays step by step; the test does what
 * the disk's thread would do, part by part.
 */
final class PlayedTiers implements AutoCloseable {
  static final int P = 4;

  final KvCache kv;
  final TieredCache cache;
  final DiskQueue disk; // does nothing if there are no files

  /** A cache with host memory of so many slots in each pool. */
  static PlayedTiers onHost(KvLayout layout, int pages, int slots, WritePolicy policy) {
    return new PlayedTiers(layout, pages, slots, policy, new TestClock(), Optional.empty(), 0);
  }

  /**
   * @param store files, if there are some
   * @param waiting most reads that wait for the disk, and as many writes
   */
  PlayedTiers(
      KvLayout layout,
      int pages,
      int slots,
      WritePolicy policy,
      TestClock clock,
      Optional<PartStore> store,
      int waiting) {
    kv = new KvCache(layout, P, 64, pages);
    PartLayout parts = new PartLayout(layout, kv.geometry());
    HostPool host =
        new HostPool(parts, IntStream.range(0, parts.pools()).map(_ -> slots).toArray());
    BlockCache device = new RadixCache(kv, RadixCache.Eviction.LRU, clock);
    disk = new DiskQueue(store.orElse(null), host, waiting, () -> {});
    Optional<FileTier> files =
        store.map(s -> new FileTier(s, disk, () -> {}, new ArrayDeque<>(), 0));
    InlineMover mover = new InlineMover(kv, host);
    cache = new TieredCache(kv, device, host, mover, policy, files, CachedPages.ROWS);
  }

  /** A prompt; two with another first token have no common prefix. */
  static int[] tokens(int first, int n) {
    int[] tokens = PrefixCacheContract.tokens(n);
    tokens[0] = first;
    return tokens;
  }

  /** A sequence comes, computes its tokens and goes. */
  void played(int first, int n) {
    played(first, n, Retentions.NONE);
  }

  /** The same with one that says how long its blocks are kept. */
  void played(int first, int n, Retentions retentions) {
    Played s = Played.begin(kv, cache, tokens(first, n), "", retentions);
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      cache.evict(pool, Math.max(0, s.wants(pool, n) - kv.pool(pool).available()));
    }
    s.compute(n);
    s.end();
    cache.settle();
  }

  /** The hit of such a sequence. */
  Match match(int first, int n) {
    return cache.match(tokens(first, n), (n - 1) / P * P, "");
  }

  /** Empties the pages, as far as no sequence holds them. */
  void evictAll() {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      cache.evict(pool, kv.pool(pool).idle());
    }
  }

  /** The disk does one part; then the engine hears of it. */
  void workOnce() {
    if (!disk.runNext()) {
      throw new AssertionError("the disk has nothing to do");
    }
    cache.settle();
  }

  /** The disk does all that it has to do, and what comes of it. */
  void work() {
    do {
      while (disk.runNext()) {}
      cache.settle();
    } while (disk.pending() > 0);
  }

  /** The events of a kind since the last call; all others are dropped. */
  <E> List<E> events(Class<E> kind) {
    return cache.tiers(0).stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  @Override
  public void close() {
    cache.check();
    cache.close();
  }
}
