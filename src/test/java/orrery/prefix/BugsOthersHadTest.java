package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.kv.KvCache;
import orrery.prefix.RadixCache.Eviction;

/** Bugs that other small engines had in their prefix caches. */
class BugsOthersHadTest {
  private static final int PAGES = 8;

  private static List<KvCache> caches() {
    List<KvCache> all = new ArrayList<>();
    for (int page : new int[] {1, 4}) {
      all.add(new KvCache(PrefixCacheContract.PLAIN, page, 64, PAGES));
      all.add(new KvCache(PrefixCacheContract.WINDOWED, page, 64, PAGES));
    }
    return all;
  }

  private static List<PrefixCache> over(KvCache kv) {
    return List.of(new RadixCache(kv, Eviction.LRU), new HashBlockCache(kv));
  }

  /** nano-vllm#163: a reused block kept its old hash, and a later hit returned foreign rows. */
  @Test
  void aReusedPageIsNotFoundByTheTokensItHeldBefore() {
    for (KvCache kv : caches()) {
      int p = kv.geometry().pageTokens();
      for (PrefixCache cache : over(kv)) {
        Played old = Played.begin(kv, cache, PrefixCacheContract.tokens(PAGES * p), "");
        old.compute(PAGES * p);
        Set<Integer> pages = new HashSet<>();
        for (int page : old.pages(0)) {
          pages.add(page);
        }
        old.end();
        int[] others = PrefixCacheContract.diverging(0, 3 * p);
        for (int pool = 0; pool < kv.geometry().pools(); pool++) {
          cache.evict(pool, 3 * p / kv.geometry().span(pool));
        }
        Played next = Played.begin(kv, cache, others, "");
        next.compute(3 * p);
        assertThat(pages).contains(next.pages(0)[0]); // reused
        // Begin checks every row of the hit: no row belongs to the new owner of the page.
        Played again = Played.begin(kv, cache, PrefixCacheContract.tokens(PAGES * p), "");
        assertThat(again.hit).isLessThanOrEqualTo(5 * p);
        again.end();
        next.end();
        cache.check();
        cache.clear();
      }
    }
  }

  /**
   * vllm#5188: partial blocks were hashed, so a later request found them before they were complete.
   */
  @Test
  void onlyCompleteBlocksEnter() {
    for (KvCache kv : caches()) {
      int p = kv.geometry().pageTokens();
      for (PrefixCache cache : over(kv)) {
        int n = 3 * p - (p > 1 ? 1 : 0);
        Played s = Played.begin(kv, cache, PrefixCacheContract.tokens(3 * p), "");
        s.compute(n);
        assertThat(cache.blocks()).isEqualTo(n / p);
        assertThat(cache.match(PrefixCacheContract.tokens(4 * p), 3 * p, "").tokens())
            .isEqualTo(n / p * p);
        s.end();
        cache.clear();
      }
    }
  }

  /** mini-sglang's allocator test: eviction left free slots that began inside a page. */
  @Test
  void evictionGivesBackWholeBlocksSoThatALongSequenceFitsAgain() {
    for (KvCache kv : caches()) {
      int p = kv.geometry().pageTokens();
      for (PrefixCache cache : over(kv)) {
        for (int n = 1; n <= 2 * p; n++) { // tails of every length
          for (int first = 0; first < 3; first++) {
            int[] tokens = PrefixCacheContract.diverging(first, first + n);
            Played s = Played.begin(kv, cache, tokens, "");
            s.compute(tokens.length);
            s.end();
            for (int pool = 0; pool < kv.geometry().pools(); pool++) {
              kv.pool(pool).check();
              assertThat(kv.pool(pool).referenced()).isZero();
              int all = kv.pool(pool).total() - 1;
              cache.evict(pool, all - kv.pool(pool).available());
              assertThat(kv.pool(pool).available()).isEqualTo(all);
            }
          }
        }
        Played whole = Played.begin(kv, cache, PrefixCacheContract.tokens(PAGES * p), "");
        for (int pool = 0; pool < kv.geometry().pools(); pool++) {
          int wanted = whole.wants(pool, PAGES * p) - kv.pool(pool).available();
          cache.evict(pool, wanted);
        }
        whole.compute(PAGES * p);
        whole.end();
        cache.clear();
      }
    }
  }
}
