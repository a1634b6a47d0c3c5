package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import orrery.kv.KvCache;
import orrery.prefix.RadixCache.Eviction;

class RadixCacheTest {
  @Nested
  class LeastRecentlyUsed extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return new RadixCache(kv, Eviction.LRU, clock);
    }
  }

  @Nested
  class LeastFrequentlyUsed extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return new RadixCache(kv, Eviction.LFU, clock);
    }
  }

  @Nested
  class FirstInFirstOut extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return new RadixCache(kv, Eviction.FIFO, clock);
    }
  }

  private final KvCache kv = new KvCache(PrefixCacheContract.PLAIN, 4, 64, 32);

  private static int[] of(int first) {
    return new int[] {first, 1, 2, 3, 4};
  }

  /**
   * Makes three unrelated leaves: A is the oldest, B was used most often, C was used least
   * recently.
   */
  private PrefixCache filled(Eviction eviction) {
    PrefixCache cache = new RadixCache(kv, eviction);
    for (int first : new int[] {'A', 'B', 'C'}) {
      use(cache, first);
    }
    use(cache, 'B');
    use(cache, 'B');
    use(cache, 'A');
    return cache;
  }

  private void use(PrefixCache cache, int first) {
    Played s = Played.begin(kv, cache, of(first), "");
    s.compute(5);
    s.end();
  }

  private String left(PrefixCache cache) {
    StringBuilder s = new StringBuilder();
    for (char first = 'A'; first <= 'C'; first++) {
      s.append(cache.match(of(first), 4, "").tokens() > 0 ? first : '-');
    }
    return s.toString();
  }

  @Test
  void theLeastRecentlyUsedLeafGoesFirst() {
    PrefixCache cache = filled(Eviction.LRU);
    cache.evict(0, 1);
    assertThat(left(cache)).isEqualTo("AB-");
    cache.evict(0, 1);
    assertThat(left(cache)).isEqualTo("A--");
  }

  @Test
  void theLeastFrequentlyHitLeafGoesFirst() {
    PrefixCache cache = filled(Eviction.LFU);
    cache.evict(0, 2);
    assertThat(left(cache)).isEqualTo("-B-");
  }

  @Test
  void theOldestLeafGoesFirst() {
    PrefixCache cache = filled(Eviction.FIFO);
    cache.evict(0, 1);
    assertThat(left(cache)).isEqualTo("-BC");
    cache.evict(0, 1);
    assertThat(left(cache)).isEqualTo("--C");
  }

  @Test
  void aBlockComputedTwiceIsKeptOnce() {
    PrefixCache cache = new RadixCache(kv, Eviction.LRU);
    Played one = Played.begin(kv, cache, of('A'), "");
    Played two = Played.begin(kv, cache, of('A'), "");
    assertThat(one.compute(5)).isEqualTo(1);
    assertThat(two.compute(5)).isZero();
    assertThat(two.pages(0)[0]).isEqualTo(one.pages(0)[0]);
    assertThat(two.pages(0)[1]).isNotEqualTo(one.pages(0)[1]); // the partial block is its own
    assertThat(kv.pool(0).referenced()).isEqualTo(3);
  }
}
