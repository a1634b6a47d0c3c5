package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PagePool;
import orrery.kv.Stream;
import orrery.prefix.PrefixCache.Match;

/**
 * Plays a long random life of a prefix cache over a small vocabulary. The oracle is {@link
 * CachedPages}: a hit must be the longest that the rule allows. Every row of a hit must belong to
 * its tokens. The books must balance all the time.
 */
final class PrefixWalk {
  private final Random random;
  private final Function<KvCache, PrefixCache> maker;
  private final TestClock clock; // of the caches
  private final Shape shape;
  private final int life; // operations until the next cache
  private KvCache kv;
  private PrefixCache cache;
  private CachedPages cached;
  private FoldedBlocks books;
  private int behind; // the most tokens that commits lag behind the computed ones
  private final List<Played> running = new ArrayList<>();
  private int done;
  private int caches;
  private int hits;
  private int shortened; // hits that end before tokens whose blocks are there
  private int evictions;
  private int refused;
  private int forks;
  private int forksBehindHits;
  private int forksThatLag;
  private int clears;
  private int tombstoned;
  private int loadedPages;
  private int beganTogether;
  private int choices; // evictions among pages of different priorities
  private boolean said; // whether sequences of this cache say how long blocks are kept

  /**
   * @param life how many operations one cache lives; then another one follows, with pages of
   *     another size and other memory
   */
  PrefixWalk(
      Shape shape, int life, Function<KvCache, PrefixCache> maker, TestClock clock, long seed) {
    this.clock = clock;
    this.shape = shape;
    this.life = life;
    this.maker = maker;
    this.random = new Random(seed);
  }

  private void renew() {
    int p = shape.pageTokens()[random.nextInt(shape.pageTokens().length)];
    int longest = shape.longest();
    KvGeometry g = new KvGeometry(shape.layout(), p);
    int[] pages = new int[g.pools()];
    int tokens = longest + random.nextInt(random.nextBoolean() ? 3 * longest : 40 * longest);
    for (int pool = 0; pool < pages.length; pool++) {
      boolean tight = g.keeps(pool) != Stream.ALL && random.nextInt(3) == 0;
      pages[pool] = g.pages(pool, tight ? longest : tokens);
    }
    kv = new KvCache(shape.layout(), g, longest, pages);
    cache = maker.apply(kv);
    cached = new CachedPages(kv, cache);
    books = new FoldedBlocks(kv, cache);
    behind = random.nextBoolean() ? 0 : 1 + random.nextInt(12);
    said = random.nextInt(3) > 0;
    caches++;
  }

  /** What a sequence says about how long its blocks are kept. */
  private Retentions retentions(int prompt) {
    return said ? DrawnRetentions.of(random, prompt) : Retentions.NONE;
  }

  void run(int operations) {
    while (done < operations) {
      renew();
      for (int i = 0; i < life && done < operations; i++, done++) {
        operation();
        cached.sweep();
        if (caches % 16 == 1 || i % 16 == 0) { // to follow takes longer than all the rest
          books.follow(running);
        }
        if (i % 16 == 0) {
          check();
        }
      }
      running.forEach(Played::end);
      running.clear();
      check();
      clear();
      books.follow(running);
    }
  }

  private void operation() {
    clock.pass(random.nextInt(8));
    switch (random.nextInt(12)) {
      case 0, 1 -> {
        if (running.size() < 8) {
          begin();
        } else {
          end();
        }
      }
      case 2 -> end();
      case 3 -> fork();
      case 4 -> {
        if (random.nextInt(60) == 0) {
          cache.clear(); // blocks of running sequences stay
          clears++;
        }
      }
      case 5 -> evictSome();
      default -> compute();
    }
  }

  /**
   * Begins some sequences together, as the admissions of a step: all hits are taken before the
   * pages that are to be loaded. A sequence that there is no room for does not begin.
   */
  private void begin() {
    int[] free = new int[kv.geometry().pools()];
    Arrays.setAll(free, pool -> kv.pool(pool).available() + kv.pool(pool).idle());
    List<Played> began = new ArrayList<>();
    List<Match> promised = new ArrayList<>();
    List<int[]> tokens = new ArrayList<>();
    List<String> salts = new ArrayList<>();
    for (int i = random.nextInt(3); i >= 0; i--) {
      draw(tokens, salts, promised, free);
    }
    for (int i = 0; i < tokens.size(); i++) {
      Played s =
          Played.acquire(kv, cache, tokens.get(i), salts.get(i), retentions(tokens.get(i).length));
      require(s.hit == promised.get(i).tokens(), "acquire finds what match promised");
      began.add(s);
    }
    for (int pool = 0; pool < free.length; pool++) {
      require(room(pool, cache.lacking(pool)), "what match counts is enough");
    }
    cache.load().await(Arrival.EVERY_STREAM);
    for (Played s : began) {
      s.arrived();
      cached.entered(s, 0, s.hit);
    }
    if (!began.isEmpty()) {
      began.getLast().requireRetained(0, began.getLast().hit); // whatever the others said before
    }
    running.addAll(began);
    beganTogether += began.size() > 1 ? 1 : 0;
  }

  /** Draws a sequence and looks its hit up; there must be room for what the hit takes. */
  private void draw(List<int[]> all, List<String> salts, List<Match> promised, int[] free) {
    int[] tokens = random.ints(1 + random.nextInt(shape.longest()), 0, 2).toArray();
    if (random.nextInt(3) > 0) { // mostly runs of one token, so that prefixes are shared
      Arrays.fill(tokens, 0, random.nextInt(tokens.length + 1), 0);
    }
    String salt = random.nextInt(6) == 0 ? "b" : "";
    int p = kv.geometry().pageTokens();
    int limit = (tokens.length - 1) / p * p;
    Match match = cache.match(tokens, limit, salt);
    int longest = cached.longestHit(tokens, limit, salt);
    require(match.tokens() == longest, "the longest hit: " + longest + ", not " + match.tokens());
    require(match.tokens() % p == 0 && match.tokens() <= limit, "a hit is aligned and capped");
    for (int pool = 0; pool < free.length; pool++) {
      if (match.takes()[pool] > free[pool]) {
        return;
      }
    }
    Arrays.setAll(free, pool -> free[pool] - match.takes()[pool]);
    all.add(tokens);
    salts.add(salt);
    promised.add(match);
    hits += match.tokens() > 0 ? 1 : 0;
    shortened += match.tokens() > 0 && match.tokens() < limit ? 1 : 0;
    loadedPages += match.loads();
  }

  private void compute() {
    if (running.isEmpty()) {
      return;
    }
    Played s = running.get(random.nextInt(running.size()));
    if (s.computed == s.tokens.length) {
      if (s.tokens.length == shape.longest()) {
        return;
      }
      s.tokens = Arrays.copyOf(s.tokens, s.tokens.length + 1);
      s.tokens[s.tokens.length - 1] = random.nextInt(2);
    }
    int to = s.computed + 1 + random.nextInt(s.tokens.length - s.computed);
    boolean oneByOne = random.nextBoolean();
    while (s.computed < to) {
      int end = oneByOne ? s.computed + 1 : to;
      for (int pool = 0; pool < kv.geometry().pools(); pool++) {
        if (!room(pool, s.wants(pool, end))) {
          return; // too little memory: other sequences must end first
        }
      }
      int before = s.complete;
      int added = s.insert(end, Math.max(before, end - random.nextInt(behind + 1)));
      int p = kv.geometry().pageTokens();
      require(added <= s.complete / p - before / p, "only complete blocks are new");
      s.requireRetained(before, s.complete);
      cached.entered(s, before, s.complete);
      s.pass();
    }
  }

  /** Makes as many pages free as wanted, or changes nothing. */
  private boolean room(int pool, int wanted) {
    PagePool pages = kv.pool(pool);
    int missing = wanted - pages.available();
    if (missing <= 0) {
      return true;
    }
    boolean promised = pages.idle() >= missing;
    evict(pool, missing);
    return promised;
  }

  /** Eviction frees as many pages as asked if so many are idle, and else none. */
  private int evict(int pool, int wanted) {
    PagePool pages = kv.pool(pool);
    int blocks = cache.blocks();
    int available = pages.available();
    boolean promised = pages.idle() >= wanted;
    cache.evict(pool, 0); // what is kept for a time that is over falls back
    LowestFirst order = new LowestFirst(kv, cached, pool);
    choices += promised && order.choice() ? 1 : 0;
    int freed = cache.evict(pool, wanted);
    order.requireHeld();
    require(pages.available() - available == freed, "eviction says what it freed");
    if (promised) {
      require(freed >= wanted, "idle pages can be evicted");
      evictions++;
      tombstoned += freed > 0 && cache.blocks() == blocks ? 1 : 0;
    } else {
      require(freed == 0 && cache.blocks() == blocks, "more than can be freed frees nothing");
      refused++;
    }
    cached.sweep();
    return freed;
  }

  private void evictSome() {
    if (random.nextInt(20) == 0) {
      int pool = random.nextInt(kv.geometry().pools());
      boolean tooMany = random.nextInt(4) == 0;
      evict(pool, tooMany ? kv.pool(pool).idle() + 1 : 1 + random.nextInt(4));
    }
  }

  private void fork() {
    if (running.isEmpty() || running.size() > 8) {
      return;
    }
    Played s = running.get(random.nextInt(running.size()));
    int pools = kv.geometry().pools();
    int[] wanted = new int[pools];
    int[] before = new int[pools];
    for (int pool = 0; pool < pools; pool++) {
      wanted[pool] = kv.forkPages(pool, s.table, s.computed, s.complete);
      if (!room(pool, wanted[pool])) {
        return;
      }
      before[pool] = kv.pool(pool).available();
      boolean later = s.table.first(pool) > kv.geometry().passed(pool, s.complete);
      forksBehindHits += later ? 1 : 0;
    }
    running.add(s.fork());
    for (int pool = 0; pool < pools; pool++) {
      int taken = before[pool] - kv.pool(pool).available();
      require(taken == wanted[pool], "a fork takes as many pages as it said");
    }
    forks++;
    int p = kv.geometry().pageTokens();
    forksThatLag += s.complete / p < s.computed / p ? 1 : 0;
  }

  private void end() {
    if (!running.isEmpty()) {
      running.remove(random.nextInt(running.size())).end();
    }
  }

  private void check() {
    cache.check();
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      PagePool pages = kv.pool(pool);
      pages.check();
      require(
          pages.available() + pages.referenced() + pages.idle() + 1 == pages.total(),
          "free + referenced + idle + 1 = total");
    }
    running.forEach(Played::requireRows);
  }

  private void clear() {
    cache.clear();
    require(cache.blocks() == 0, "an idle cache can be emptied");
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      require(kv.pool(pool).available() + 1 == kv.pool(pool).total(), "all pages are free");
    }
  }

  /** Pages that were loaded from host memory. */
  int loadedPages() {
    return loadedPages;
  }

  String summary() {
    return String.format(
        "%d operations on %d caches, %d hits (%d not to the limit), %d evictions (%d refused), %d"
            + " tombstones, %d forks (%d pools behind hits, %d behind commits that lag), %d clears,"
            + " %d pages loaded, %d began together, %d choices by priority",
        done,
        caches,
        hits,
        shortened,
        evictions,
        refused,
        tombstoned,
        forks,
        forksBehindHits,
        forksThatLag,
        clears,
        loadedPages,
        beganTogether,
        choices);
  }

  /** Everything happened; what depends on the sizes of a cache needs a walk over many caches. */
  void requireEventful() {
    assertThat(hits).isGreaterThan(done / 100);
    assertThat(shortened).isPositive();
    assertThat(evictions).isPositive();
    assertThat(refused).isPositive();
    assertThat(forks).isPositive();
    if (caches < 10) {
      return;
    }
    assertThat(forksThatLag).isPositive();
    assertThat(clears).isPositive();
    assertThat(beganTogether).isPositive();
    assertThat(choices).isPositive();
    assertThat(tombstoned > 0).isEqualTo(shape.layout().pools().length > 1);
    assertThat(forksBehindHits > 0).isEqualTo(shape != Shape.PLAIN && shape != Shape.WINDOWED);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
