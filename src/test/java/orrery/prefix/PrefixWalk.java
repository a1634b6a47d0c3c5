package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.PagePool;
import orrery.prefix.PrefixCache.Match;

/**
 * Plays a long random life of a prefix cache over a small vocabulary. The oracle is the set of all
 * prefixes that ever entered. A hit must be one of them, and the longest one while nothing was
 * evicted. Every row of a hit must belong to its tokens. The books must balance all the time.
 */
final class PrefixWalk {
  private static final int LONGEST = 40;

  private final Random random;
  private final Function<KvCache, PrefixCache> maker;
  private final KvLayout layout;
  private KvCache kv;
  private PrefixCache cache;
  private final List<Played> running = new ArrayList<>();
  private final Set<String> entered = new HashSet<>();
  private boolean evicted; // whether a block was evicted since the cache was empty
  private int done;
  private int hits;
  private int longestHits;
  private int evictions;
  private int forks;
  private int clears;
  private int tombstoned;

  PrefixWalk(KvLayout layout, Function<KvCache, PrefixCache> maker, long seed) {
    this.layout = layout;
    this.maker = maker;
    this.random = new Random(seed);
  }

  private void renew() {
    int p = new int[] {1, 2, 4, 8}[random.nextInt(4)];
    KvGeometry g = new KvGeometry(layout, p);
    int[] pages = new int[g.pools()];
    int tokens = LONGEST + random.nextInt(random.nextBoolean() ? 3 * LONGEST : 40 * LONGEST);
    for (int pool = 0; pool < pages.length; pool++) {
      pages[pool] = g.pages(pool, tokens);
    }
    kv = new KvCache(layout, g, LONGEST, pages);
    cache = maker.apply(kv);
    entered.clear();
    evicted = false;
  }

  void run(int operations) {
    while (done < operations) {
      renew();
      for (int i = 0; i < 1_000 && done < operations; i++, done++) {
        operation();
        if (i % 16 == 0) {
          check();
        }
      }
      running.forEach(Played::end);
      running.clear();
      check();
      clear();
    }
  }

  private void operation() {
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
          evicted = true;
        }
      }
      case 5 -> evictSome();
      default -> compute();
    }
  }

  private void begin() {
    int[] tokens = random.ints(1 + random.nextInt(LONGEST), 0, 2).toArray();
    if (random.nextInt(3) > 0) { // mostly runs of one token, so that prefixes are shared
      Arrays.fill(tokens, 0, random.nextInt(tokens.length + 1), 0);
    }
    String salt = random.nextInt(6) == 0 ? "b" : "";
    int p = kv.geometry().pageTokens();
    int limit = (tokens.length - 1) / p * p;
    Match match = cache.match(tokens, limit, salt);
    Played s = Played.begin(kv, cache, tokens, salt);
    require(s.hit == match.tokens(), "acquire finds what match promised");
    require(s.hit % p == 0 && s.hit <= limit, "a hit is aligned and capped");
    require(s.hit == 0 || entered.contains(key(tokens, s.hit, salt)), "a hit once entered");
    int longest = limit;
    while (longest > 0 && !entered.contains(key(tokens, longest, salt))) {
      longest -= p;
    }
    if (!evicted) {
      require(s.hit == longest, "the longest prefix is hit: " + longest + ", found " + s.hit);
      longestHits += longest > 0 ? 1 : 0;
    }
    hits += s.hit > 0 ? 1 : 0;
    running.add(s);
  }

  private static String key(int[] tokens, int n, String salt) {
    StringBuilder s = new StringBuilder(salt).append(':');
    for (int i = 0; i < n; i++) {
      s.append(tokens[i]);
    }
    return s.toString();
  }

  private void compute() {
    if (running.isEmpty()) {
      return;
    }
    Played s = running.get(random.nextInt(running.size()));
    if (s.computed == s.tokens.length) {
      if (s.tokens.length == LONGEST) {
        return;
      }
      s.tokens = Arrays.copyOf(s.tokens, s.tokens.length + 1);
      s.tokens[s.tokens.length - 1] = random.nextInt(2);
    }
    int to = s.computed + 1 + random.nextInt(s.tokens.length - s.computed);
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      if (!room(pool, s.wants(pool, to))) {
        return; // too little memory: other sequences must end first
      }
    }
    int before = s.computed / kv.geometry().pageTokens();
    int added = s.compute(to);
    int p = kv.geometry().pageTokens();
    require(added <= to / p - before, "only complete blocks are new");
    for (int n = p; n <= to; n += p) {
      entered.add(key(s.tokens, n, s.salt));
    }
  }

  /** Eviction must free as many pages as the pool calls idle. */
  private boolean room(int pool, int wanted) {
    PagePool pages = kv.pool(pool);
    int missing = wanted - pages.available();
    if (missing <= 0) {
      return true;
    }
    boolean promised = pages.available() + pages.idle() >= wanted;
    cache.evict(pool, missing);
    evicted = true;
    evictions++;
    require(pages.available() >= wanted == promised, "idle pages can be evicted");
    return promised;
  }

  private void evictSome() {
    if (random.nextInt(20) > 0) {
      return;
    }
    int pool = random.nextInt(kv.geometry().pools());
    int blocks = cache.blocks();
    int idle = kv.pool(pool).idle();
    int wanted = 1 + random.nextInt(4);
    int freed = cache.evict(pool, wanted);
    require(freed >= Math.min(wanted, idle), "idle pages can be evicted");
    tombstoned += freed > 0 && cache.blocks() == blocks ? 1 : 0;
    evicted |= freed > 0;
  }

  private void fork() {
    if (running.isEmpty() || running.size() > 8) {
      return;
    }
    Played s = running.get(random.nextInt(running.size()));
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      if (!room(pool, kv.forkPages(pool, s.computed))) {
        return;
      }
    }
    int before = kv.pool(0).available();
    running.add(s.fork());
    require(
        before - kv.pool(0).available() == kv.forkPages(0, s.computed),
        "a fork takes as many pages as it said");
    forks++;
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

  String summary() {
    return String.format(
        "%d operations, %d hits (%d checked to be the longest), %d evictions, %d tombstones,"
            + " %d forks, %d clears",
        done, hits, longestHits, evictions, tombstoned, forks, clears);
  }

  void requireEventful() {
    assertThat(hits).isGreaterThan(done / 100);
    assertThat(longestHits).isPositive();
    assertThat(evictions).isPositive();
    assertThat(forks).isPositive();
    assertThat(clears).isPositive();
    assertThat(tombstoned > 0).isEqualTo(layout.pools().length > 1);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
