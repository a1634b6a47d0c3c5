package orrery.prefix;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import orrery.events.Event;
import orrery.events.NotStored;
import orrery.events.PartsRead;
import orrery.events.Written;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PagePool;
import orrery.kv.Stream;
import orrery.offload.DiskQueue;
import orrery.offload.FileTier;
import orrery.offload.HostPool;
import orrery.offload.PartLayout;
import orrery.offload.SimulatedMover;
import orrery.offload.SimulatedMover.Fault;
import orrery.offload.TieredCache;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCache.Match;

/**
 * Plays a long random life of a cache with tiers, whose copies are made piece by piece between any
 * two things that an engine does, and so are reads and writes of files. A row is a function of the
 * tokens up to it ({@link Played}), so each page that a step reads can be checked.
 *
 * <pre>
 *   engine   acquire ── load ── await 0 ── evict ── await 1 ── insert ── clear ── fetch ── …
 *   mover        · ·     ·        · ·       ·          ·         ·        · ·        ·       pieces
 *   disk      ·             ·          · ·        ·          ·        ·       · · ·          parts
 * </pre>
 *
 * <p>Most caches have files. They stay when a cache ends: the next one finds them, as after a
 * restart. In most caches sequences say how long their blocks are kept.
 *
 * <p>One operation is one step of the walk. All that is random comes from the seed.
 */
final class TierWalk {
  /** What is walked over: which cache is over the pages, and when blocks are stored. */
  record Kind(
      String name,
      Shape shape,
      BiFunction<KvCache, LongSupplier, BlockCache> device,
      WritePolicy policy) {
    @Override
    public String toString() {
      return shape.name() + ", " + name + ", " + policy;
    }
  }

  /** A step under way: some sequences have pages that are being loaded for it. */
  private static final class Loading {
    final Arrival arrival;
    final List<Played> sequences;
    int next; // stream that the step reads next

    Loading(Arrival arrival, List<Played> sequences) {
      this.arrival = arrival;
      this.sequences = sequences;
    }
  }

  /** A request in the queue, for which parts may come from files. */
  private record Waiting(int[] tokens, String salt, PrefixCache.Fetch fetch) {}

  private static final int LIFE = 400; // operations of one cache
  private static final long FILES = 20_000; // bytes: some hundred parts

  private final Kind kind;
  private final Fault fault;
  private final Random random;
  private final List<Played> running = new ArrayList<>();
  private final List<Loading> loading = new ArrayList<>();
  private final List<Waiting> waiting = new ArrayList<>();
  private final Map<Integer, UnreliableStore> stores = new HashMap<>(); // by page size
  private final TestClock clock = new TestClock();
  private boolean said; // whether sequences say how long their blocks are kept
  private DiskQueue disk;
  private KvCache kv;
  private SimulatedMover mover;
  private TieredCache cache;
  private int done;
  private final long[] happened = new long[WHAT.size()];

  /** What must happen in a walk that is long enough. */
  static final List<String> WHAT =
      List.of(
          "hits",
          "loads",
          "loads side by side",
          "evictions",
          "clears",
          "forks",
          "pieces",
          "failures",
          "stores finished in their middle",
          "parts written to files",
          "parts read from files",
          "hits that were fetched",
          "parts not stored for others of higher priority");

  TierWalk(Kind kind, Fault fault, long seed) {
    this.kind = kind;
    this.fault = fault;
    this.random = new Random(seed);
  }

  private void count(String what, long n) {
    happened[WHAT.indexOf(what)] += n;
  }

  long[] happened() {
    return happened;
  }

  void run(int operations) {
    while (done < operations) {
      renew();
      for (int i = 0; i < LIFE && done < operations; i++, done++) {
        clock.pass(random.nextInt(8));
        operation();
        mover.meanwhile();
        diskMeanwhile();
        check(i % 8 == 0);
      }
      end();
    }
  }

  private void renew() {
    Shape shape = kind.shape;
    int p = shape.pageTokens()[random.nextInt(shape.pageTokens().length)];
    int longest = shape.longest();
    KvGeometry g = new KvGeometry(shape.layout(), p);
    int[] pages = new int[g.pools()];
    int tokens = longest + random.nextInt(random.nextBoolean() ? longest : 8 * longest);
    for (int pool = 0; pool < pages.length; pool++) {
      boolean tight = g.keeps(pool) != Stream.ALL && random.nextInt(3) == 0;
      pages[pool] = g.pages(pool, tight ? longest : tokens);
    }
    kv = new KvCache(shape.layout(), g, longest, pages);
    PartLayout layout = new PartLayout(shape.layout(), g);
    int most = 2 << random.nextInt(6);
    int[] slots = new int[g.pools()];
    Arrays.setAll(slots, pool -> layout.pages(pool) == 0 ? 0 : 1 + random.nextInt(most));
    HostPool host = new HostPool(layout, slots);
    mover = new SimulatedMover(kv, host, fault, random.nextLong());
    said = random.nextInt(3) > 0;
    UnreliableStore store =
        stores.computeIfAbsent(p, _ -> new UnreliableStore(FILES, random.nextLong()));
    disk = new DiskQueue(store, host, 1 + random.nextInt(16), () -> {});
    FileTier files = new FileTier(store, disk, () -> {}, new ArrayDeque<>(), 0);
    cache =
        new TieredCache(
            kv,
            kind.device.apply(kv, clock),
            host,
            mover,
            kind.policy,
            Optional.of(files).filter(_ -> random.nextInt(4) > 0),
            CachedPages.ROWS + p);
  }

  /** What the disk's thread would do meanwhile. */
  private void diskMeanwhile() {
    for (int n = random.nextInt(4); n > 0; n--) {
      disk.runNext();
    }
  }

  private void operation() {
    switch (random.nextInt(18)) {
      case 0, 1, 2 -> begin();
      case 3, 4 -> {
        if (!running.isEmpty()) {
          running.remove(random.nextInt(running.size())).end();
        }
      }
      case 5 -> fork();
      case 6 -> {
        if (random.nextInt(8) == 0) {
          cache.clear();
          count("clears", 1);
        }
      }
      case 7 -> {
        int pool = random.nextInt(kv.geometry().pools());
        evict(pool, random.nextInt(3) == 0 ? kv.pool(pool).idle() : 1);
      }
      case 8, 9, 10 -> advance();
      case 11 -> fetch();
      case 12 -> leave();
      default -> compute();
    }
  }

  /** Begins a step with some new sequences; the rows of their hits are on their way. */
  private void begin() {
    List<Played> fresh = new ArrayList<>();
    for (int n = 1 + random.nextInt(3); n > 0 && running.size() + sequences() < 8; n--) {
      Played s = acquire();
      if (s != null) {
        fresh.add(s);
      }
    }
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      evict(pool, cache.lacking(pool) - kv.pool(pool).available());
    }
    Arrival arrival = cache.load();
    if (arrival != Arrival.COMPLETE) {
      count("loads", 1);
      count("loads side by side", loading.isEmpty() ? 0 : 1);
      loading.add(new Loading(arrival, fresh));
      return;
    }
    fresh.forEach(this::arrived);
  }

  private int sequences() {
    return loading.stream().mapToInt(l -> l.sequences.size()).sum();
  }

  private int[] tokens() {
    int[] tokens = random.ints(1 + random.nextInt(kind.shape.longest()), 0, 2).toArray();
    if (random.nextInt(4) > 0) { // mostly runs of one token, so that prefixes are shared
      Arrays.fill(tokens, 0, random.nextInt(tokens.length + 1), 0);
    }
    return tokens;
  }

  private String salt() {
    return random.nextInt(8) == 0 ? "b" : "";
  }

  private int limit(int[] tokens) {
    int p = kv.geometry().pageTokens();
    return (tokens.length - 1) / p * p;
  }

  /** A request comes into the queue. */
  private void fetch() {
    int[] tokens = tokens();
    String salt = salt();
    if (waiting.size() < 6) {
      cache
          .fetch(tokens, limit(tokens), salt, 1)
          .ifPresent(fetch -> waiting.add(new Waiting(tokens, salt, fetch)));
    }
  }

  /** A request leaves the queue, or its time is up. */
  private void leave() {
    if (!waiting.isEmpty()) {
      int which = random.nextInt(waiting.size());
      waiting.get(which).fetch.stop();
      if (random.nextBoolean()) {
        waiting.remove(which).fetch.release();
      }
    }
  }

  /** A sequence that begins: mostly one that waits, if its fetch has ended. */
  private Played acquire() {
    if (waiting.isEmpty() || random.nextInt(4) == 0) {
      return acquire(tokens(), salt());
    }
    Waiting first = waiting.getFirst();
    if (!first.fetch.ended() && random.nextInt(4) > 0) {
      return null;
    }
    waiting.removeFirst().fetch.release();
    Played s = acquire(first.tokens, first.salt);
    count("hits that were fetched", s != null && s.hit > 0 && first.fetch.tokens() > 0 ? 1 : 0);
    return s;
  }

  /** A sequence with the longest hit, if there is room for what it takes. */
  private Played acquire(int[] tokens, String salt) {
    Match match = cache.match(tokens, limit(tokens), salt);
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      PagePool pages = kv.pool(pool);
      int free = pages.available() + pages.idle() - cache.lacking(pool);
      if (match.takes()[pool] > free) {
        return null; // a scheduler would not admit it
      }
    }
    Retentions retentions = said ? DrawnRetentions.of(random, tokens.length) : Retentions.NONE;
    Played s = Played.acquire(kv, cache, tokens, salt, retentions);
    require(s.hit == match.tokens(), "acquire finds what match promised");
    count("hits", s.hit > 0 ? 1 : 0);
    return s;
  }

  /** The oldest step under way reads its next stream. */
  private void advance() {
    if (loading.isEmpty()) {
      return;
    }
    Loading step = loading.getFirst();
    int streams = kv.layout().streams().size();
    if (step.next < streams) {
      step.arrival.await(step.next);
      for (Played s : step.sequences) {
        s.requireRows(step.next);
      }
      step.next++;
      return;
    }
    step.arrival.await(Arrival.EVERY_STREAM);
    loading.removeFirst();
    step.sequences.forEach(this::arrived);
  }

  private void arrived(Played s) {
    if (random.nextInt(8) == 0) {
      s.requireRows();
      s.end(); // its caller has gone
    } else {
      s.arrived();
      running.add(s);
    }
  }

  private void compute() {
    if (running.isEmpty()) {
      return;
    }
    Played s = running.get(random.nextInt(running.size()));
    int to = Math.min(s.tokens.length, s.computed + 1 + random.nextInt(24));
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int wanted = s.wants(pool, to);
      evict(pool, wanted - kv.pool(pool).available());
      if (wanted > kv.pool(pool).available()) {
        return; // other sequences must end first
      }
    }
    s.compute(to);
  }

  private void fork() {
    if (running.isEmpty() || running.size() + sequences() >= 8) {
      return;
    }
    Played s = running.get(random.nextInt(running.size()));
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int wanted = kv.forkPages(pool, s.table, s.computed, s.complete);
      evict(pool, wanted - kv.pool(pool).available());
      if (wanted > kv.pool(pool).available()) {
        return;
      }
    }
    running.add(s.fork());
    count("forks", 1);
  }

  /** What is idle can become free at once, whatever the mover does. */
  private void evict(int pool, int wanted) {
    PagePool pages = kv.pool(pool);
    if (wanted <= 0 || wanted > pages.idle()) {
      return;
    }
    int before = pages.available();
    int freed = cache.evict(pool, wanted);
    require(freed >= wanted, "idle pages can be evicted");
    require(pages.available() - before == freed, "eviction says what it freed");
    count("evictions", 1);
  }

  private void check(boolean all) {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      PagePool pages = kv.pool(pool);
      require(
          pages.available() + pages.referenced() + pages.idle() + 1 == pages.total(),
          "free + referenced + idle + 1 = total");
    }
    if (all) {
      cache.check();
      running.forEach(Played::requireRows);
    }
  }

  /** All ends: no page, no slot and no reader is left. */
  private void end() {
    while (!loading.isEmpty()) {
      advance();
    }
    running.forEach(Played::end);
    running.clear();
    waiting.forEach(w -> w.fetch.release());
    waiting.clear();
    mover.rest();
    settle();
    cache.check();
    cache.clear();
    settle();
    cache.check();
    require(cache.blocks() == 0, "an idle cache can be emptied");
    require(cache.hostParts() == 0, "and its host memory");
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      require(kv.pool(pool).available() + 1 == kv.pool(pool).total(), "all pages are free");
    }
    cache.tiers(0).forEach(this::see);
    count("pieces", mover.pieces());
    count("failures", mover.failures());
    count("stores finished in their middle", mover.interruptedStores());
    cache.close();
  }

  /** The disk does all that it has to do. */
  private void settle() {
    do {
      while (disk.runNext()) {}
      cache.settle();
    } while (disk.pending() > 0);
  }

  private void see(Event.Tiers event) {
    switch (event) {
      case Written _ -> count("parts written to files", 1);
      case PartsRead r -> count("parts read from files", r.parts());
      case NotStored n when n.why().endsWith("higher priority") ->
          count("parts not stored for others of higher priority", 1);
      default -> {}
    }
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
