package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

class HashBlockCacheTest {
  @Nested
  class GoodHash extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return new HashBlockCache(kv, clock);
    }
  }

  /** A hash with three values: nearly every look-up collides. */
  @Nested
  class WeakHash extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return new HashBlockCache(kv, (hash, token) -> (hash + token) % 3, clock);
    }

    @Override
    int walkOperations() {
      return super.walkOperations() / 5; // each look-up reads through a third of the blocks
    }
  }

  private final KvCache kv = new KvCache(PrefixCacheContract.PLAIN, 4, 64, 32);
  private final PrefixCache cache = new HashBlockCache(kv);

  private Played play(int first, int n) {
    int[] tokens = PrefixCacheContract.tokens(n);
    tokens[0] = first;
    Played s = Played.begin(kv, cache, tokens, "");
    s.compute(n);
    return s;
  }

  @Test
  void blocksAreEvictedInTheOrderInWhichTheyBecameFreeTailFirst() {
    Played a = play('A', 9);
    Played b = play('B', 9);
    b.end();
    a.end();
    int[] evictedBlocks =
        new int[4]; // 10 · blocks of A + blocks of B that are left after each eviction
    for (int i = 0; i < 4; i++) {
      cache.evict(0, 1);
      evictedBlocks[i] = 10 * blocks('A') + blocks('B');
    }
    assertThat(evictedBlocks).containsExactly(21, 20, 10, 0);
  }

  /**
   * Two requests compute the same blocks; a third one holds the first of one, the second of other.
   */
  @Test
  void aBlockWithoutPagesStaysWhileABlockStandsBehindItsTwin() {
    KvCache window =
        new KvCache(new KvLayout(List.of(new Stream("latent", 1, 1, 4, 3))), 4, 64, 32);
    PrefixCache c = new HashBlockCache(window);
    int[] tokens = PrefixCacheContract.tokens(9);
    Played first = Played.begin(window, c, tokens, "");
    Played twin = Played.begin(window, c, tokens, "");
    first.compute(4);
    twin.compute(4);
    first.compute(8);
    Played third = Played.begin(window, c, tokens, "");
    twin.end();
    first.end();
    c.clear(); // what the third one holds stays
    assertThat(c.blocks()).isEqualTo(2);
    c.evict(0, 1); // its first block, whose rows its window does not need
    third.end();
    assertThat(c.match(tokens, 8, "").tokens()).isEqualTo(8);
    assertThat(c.blocks()).isEqualTo(2);
    c.evict(0, 1);
    assertThat(c.blocks()).isZero();
  }

  private int blocks(int first) {
    int[] tokens = PrefixCacheContract.tokens(9);
    tokens[0] = first;
    return cache.match(tokens, 8, "").tokens() / 4;
  }

  @Test
  void aHitTakesABlockOutOfTheFreeQueueAndItsReleasePutsTheBlockAtTheEnd() {
    play('A', 5).end();
    play('B', 5).end();
    play('A', 5).end();
    cache.evict(0, 1);
    assertThat(blocks('A')).isEqualTo(1);
    assertThat(blocks('B')).isZero();
  }

  @Test
  void aBlockComputedTwiceIsKeptTwiceBecauseBlockTablesOnlyGrow() {
    Played one = Played.begin(kv, cache, new int[] {1, 2, 3, 4, 5}, "");
    Played two = Played.begin(kv, cache, new int[] {1, 2, 3, 4, 5}, "");
    assertThat(one.compute(5)).isEqualTo(1);
    assertThat(two.compute(5)).isEqualTo(1);
    assertThat(two.pages(0)).doesNotContain(one.pages(0));
    assertThat(cache.blocks()).isEqualTo(2);
  }
}
