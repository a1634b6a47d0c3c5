package orrery.engine;

import java.util.Arrays;
import java.util.function.LongSupplier;
import orrery.batching.Scheduler;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.HostHit;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;
import orrery.kv.Stream;
import orrery.prefix.PrefixCache;

/**
 * The pages of sequences in the KV cache and the prefix cache: a sequence starts, grows, shares
 * pages, gives up those that its windows have passed, and leaves.
 */
final class KvMemory {
  private final KvCache kv;
  private final PrefixCache prefix;
  private final EventSink sink;
  private final LongSupplier clock;
  private final PoolReport pools;

  KvMemory(KvCache kv, PrefixCache prefix, EventSink sink, LongSupplier clock) {
    this.kv = kv;
    this.prefix = prefix;
    this.sink = sink;
    this.clock = clock;
    this.pools = new PoolReport(kv);
  }

  /** What the pools look like. */
  PoolReport pools() {
    return pools;
  }

  /**
   * Starts a sequence with the longest hit in the prefix cache. Rows of the hit may lie in slower
   * memory; {@link #load} must follow.
   */
  PrefixCache.Hit start(Sequence s) {
    PageTable table = kv.newTable();
    int limit = Scheduler.hitLimit(s, kv.geometry().pageTokens());
    PrefixCache.Hit hit = prefix.acquire(s.tokens(), limit, s.salt, s.retentions(), table);
    s.start(table, hit.lease(), hit.tokens());
    return hit;
  }

  /**
   * Makes room for the pages that the hits of the sequences lack which were started since the last
   * call, and begins to load their rows. Room is made only now: eviction for one hit must not take
   * pages of another.
   */
  Arrival load() {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      makeRoom(pool, prefix.lacking(pool));
    }
    return prefix.load();
  }

  /** Whether a plan admits a sequence with rows to be loaded. */
  boolean loads(StepPlan plan) {
    int p = kv.geometry().pageTokens();
    return prefix.hasTiers()
        && plan.admit().stream()
            .anyMatch(s -> prefix.match(s.tokens(), Scheduler.hitLimit(s, p), s.salt).loads() > 0);
  }

  /**
   * Starts a sequence whose rows another engine computes: it shares the pages of a hit, and gets
   * pages for the others. A pool with a window has only those that the rows to come can need.
   *
   * @param complete tokens whose rows are written in all streams when the others come, at least
   * @param slots that it gets pages for
   * @return [pools] the first page that is to be filled
   */
  int[] startForRows(Sequence s, int complete, int slots) {
    KvGeometry g = kv.geometry();
    PageTable table = kv.newTable();
    int limit = (s.known() - 1) / g.pageTokens() * g.pageTokens();
    PrefixCache.Hit hit = prefix.acquire(s.tokens(), limit, s.salt, s.retentions(), table);
    if (hit.loads() > 0) {
      long now = clock.getAsLong();
      sink.accept(new HostHit(now, s.request, s.id, hit.loadedTokens(), hit.loads()));
      load()
          .await(Arrival.EVERY_STREAM); // no step waits for them: the other engine's rows come next
    }
    int[] wanted = new int[g.pools()];
    for (int pool = 0; pool < wanted.length; pool++) {
      kv.startTail(table, pool, g.passed(pool, complete));
      wanted[pool] = table.end(pool);
    }
    s.start(table, hit.lease(), hit.tokens());
    reserve(s, slots);
    return wanted;
  }

  /**
   * The rows of a prompt are here.
   *
   * @param first [pools] the first page that the other engine had; a page before it means nothing
   */
  void arrived(Sequence s, int[] first) {
    for (int pool = 0; pool < first.length; pool++) {
      kv.startTail(s.table(), pool, first[pool]);
    }
  }

  /**
   * Requires the pages that no engine can have given up: it gives up those that a window has
   * passed, and a hit leaves out those that no continuation of its prefix needs.
   *
   * @throws IllegalArgumentException if the other engine had fewer
   */
  void requireRows(Sequence s) {
    for (int pool = 0; pool < poolCount(); pool++) {
      KvGeometry g = kv.geometry();
      int needed = Math.max(g.passed(pool, s.computed()), g.unneeded(pool, s.computed() - 1));
      if (s.table().first(pool) > needed) {
        throw new IllegalArgumentException(
            String.format(
                "pool %s: expected pages from %d on, found them from %d on",
                g.name(pool), needed, s.table().first(pool)));
      }
    }
  }

  /** Pools of the cache. */
  int poolCount() {
    return kv.geometry().pools();
  }

  /**
   * The pages of a sequence that is in no step, for another thread, until they are given back.
   *
   * @param from [pools] the first page to be copied, or an earlier one
   */
  KvPages lend(Sequence s, int[] from) {
    kv.giveBackBuffer(s.table());
    int[] first = new int[from.length];
    Arrays.setAll(first, pool -> Math.max(from[pool], s.table().first(pool)));
    return new KvPages(kv, s.table(), first);
  }

  /** Releases a sequence's pages and its hold on the prefix cache. */
  void leave(Sequence s, boolean retracted) {
    kv.release(s.table());
    prefix.release(s.lease());
    s.stop(retracted);
  }

  /**
   * Reserves pages for a sequence's first {@code slots} slots; evicts pages from the prefix cache
   * if too few are free.
   */
  void reserve(Sequence s, int slots) {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      makeRoom(pool, kv.geometry().pages(pool, slots) - s.table().end(pool));
    }
    kv.reserve(s.table(), slots);
    s.held(slots);
  }

  /**
   * Whether the windows of a plan's sequences have their pages for sure. A policy counts on pages
   * that windows give back, but a step on its way gives back none. (Pools that keep all are as the
   * policy sees them.)
   */
  boolean hasRoom(StepPlan plan) {
    KvGeometry g = kv.geometry();
    for (int pool = 0; pool < g.pools(); pool++) {
      if (g.keeps(pool) == Stream.ALL) {
        continue;
      }
      int left = kv.pool(pool).available() + kv.pool(pool).idle();
      for (StepPlan.Rows rows : plan.rows()) {
        Sequence s = rows.sequence();
        int to = s.computedSoon() + rows.count();
        left -= s.running() ? g.growth(pool, s.held(), to) : most(pool, s, rows.count());
      }
      if (left < 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether a plan may take more pages than are free, so that the prefix cache has to give some.
   */
  boolean mayEvict(StepPlan plan) {
    KvGeometry g = kv.geometry();
    for (int pool = 0; pool < g.pools(); pool++) {
      int left = kv.pool(pool).available();
      for (StepPlan.Rows rows : plan.rows()) {
        Sequence s = rows.sequence();
        left -=
            s.running()
                ? Math.max(0, g.pages(pool, s.computedSoon() + rows.count()) - s.table().end(pool))
                : most(pool, s, rows.count());
      }
      if (left < 0) {
        return true;
      }
    }
    return false;
  }

  /** The most pages that a sequence takes which begins with any hit, and computes some rows. */
  private int most(int pool, Sequence s, int rows) {
    KvGeometry g = kv.geometry();
    return g.needsAll(pool)
        ? g.pages(pool, s.known())
        : g.pages(pool, Math.max(g.keeps(pool), g.needs(pool)) + rows) + 2; // cut at both ends
  }

  /**
   * Releases the pages beyond a sequence's first {@code slots} slots; they were for drafts that
   * were not accepted.
   */
  void trim(Sequence s, int slots) {
    kv.trim(s.table(), slots);
    s.held(slots);
  }

  private void makeRoom(int pool, int wanted) {
    int missing = wanted - kv.pool(pool).available();
    if (missing > 0) {
      int evicted = prefix.evict(pool, missing);
      sink.accept(new Event.Evicted(clock.getAsLong(), kv.geometry().name(pool), evicted));
    }
  }

  /**
   * Puts a sequence's complete blocks into the prefix cache, and releases pages that its windows
   * have passed.
   *
   * @param complete computed tokens whose rows are all written
   */
  void keep(Sequence s, int complete) {
    int added = prefix.insert(s.lease(), s.tokens(), complete, s.table());
    if (added > 0) {
      int tokens = added * kv.geometry().pageTokens();
      sink.accept(new Event.PrefixInserted(clock.getAsLong(), s.id, tokens));
    }
    pools.passing(s.table());
    kv.pass(s.table(), complete); // rows that are not written yet may read earlier slots
    pools.passed(s.table());
    s.complete(complete);
  }

  /** Empties the prefix cache, while no sequence runs. */
  void flush() {
    int blocks = prefix.blocks();
    prefix.clear();
    sink.accept(new Event.Flushed(clock.getAsLong(), blocks));
  }

  /** Starts a sequence with all computed rows of another; returns false if there is no room. */
  boolean fork(Sequence from, Sequence to) {
    int pools = kv.geometry().pools();
    int[] wanted = new int[pools];
    for (int pool = 0; pool < pools; pool++) {
      wanted[pool] = kv.forkPages(pool, from.table(), from.computed(), from.complete());
      if (wanted[pool] > kv.pool(pool).available() + kv.pool(pool).idle()) {
        return false; // before anything is evicted
      }
    }
    for (int pool = 0; pool < pools; pool++) {
      makeRoom(pool, wanted[pool]);
    }
    PageTable table = kv.fork(from.table(), from.computed(), from.complete());
    to.fork(table, prefix.fork(from.lease()), from);
    return true;
  }
}
