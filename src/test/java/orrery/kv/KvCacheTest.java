package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KvCacheTest {
  private static final KvLayout PLAIN =
      new KvLayout(List.of(Stream.whole("key", 3), Stream.whole("value", 5)));

  /** Streams of three lifetimes, out of order: pools 0 (all), 1 (window 8) and 2 (window 4). */
  private static final KvLayout MIXED =
      new KvLayout(
          List.of(
              Stream.whole("key", 2),
              new Stream("latent", 3, 1, 8, 7),
              Stream.whole("value", 1),
              new Stream("state", 1, 1, 4, 4),
              new Stream("latent 2", 1, 1, 8, 7)));

  @Test
  void aSequenceGetsPagesUpToTheSlotItNeedsAndNoMore() {
    KvCache cache = new KvCache(PLAIN, 4, 20, 6);
    PageTable table = cache.newTable();
    assertThat(table.slots()).isZero();
    cache.reserve(table, 1);
    assertThat(table.slots()).isEqualTo(4);
    cache.reserve(table, 4);
    assertThat(cache.available()).isEqualTo(5);
    cache.reserve(table, 5);
    assertThat(table.slots()).isEqualTo(8);
    cache.reserve(table, 3); // never gives anything back
    assertThat(table.slots()).isEqualTo(8);
    assertThat(cache.available()).isEqualTo(4);
    cache.release(table);
    assertThat(table.slots()).isZero();
    assertThat(cache.available()).isEqualTo(6);
    cache.release(table); // an empty table has nothing to give
    assertThat(cache.available()).isEqualTo(6);
  }

  @Test
  void aSequenceLongerThanTheCacheHoldsIsRefusedBeforeAnyPageIsTaken() {
    KvCache cache = new KvCache(PLAIN, 4, 10, 100);
    PageTable table = cache.newTable();
    assertThatThrownBy(() -> cache.reserve(table, 11))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sequence of 11 slots: this cache holds at most 10");
    assertThat(cache.available()).isEqualTo(100);
    cache.reserve(table, 10); // 10 slots need 3 pages of 4, though 12 would be too long
    assertThat(table.slots()).isEqualTo(12);
  }

  @Test
  void anExhaustedCacheLosesNoPage() {
    KvCache cache = new KvCache(MIXED, 2, 20, 3);
    PageTable first = cache.newTable();
    PageTable second = cache.newTable();
    cache.reserve(first, 4);
    assertThatThrownBy(() -> cache.reserve(second, 4)).hasMessage("no free page of 3");
    cache.release(second);
    assertThat(cache.available()).isEqualTo(1);
    cache.release(first);
    assertThat(cache.available()).isEqualTo(3);
  }

  @Test
  void freshAndReleasedPagesAreNaNSoThatAStaleReadShows() {
    assertThat(KvCacheTest.class.desiredAssertionStatus()).isTrue();
    KvCache cache = new KvCache(MIXED, 2, 8, 4);
    for (int s = 0; s < 5; s++) {
      assertThat(allNaN(cache.data(s), 0, cache.data(s).length)).isTrue();
    }
    PageTable kept = cache.newTable();
    PageTable released = cache.newTable();
    cache.reserve(kept, 2);
    cache.reserve(released, 4);
    for (int s = 0; s < 5; s++) {
      Arrays.fill(cache.data(s), 1f);
    }
    int[] keptPages = {kept.pages(0)[0], kept.pages(1)[0], kept.pages(2)[0]};
    int[][] freed = new int[3][];
    for (int pool = 0; pool < 3; pool++) {
      freed[pool] = Arrays.copyOf(released.pages(pool), 2);
    }
    cache.release(released);
    for (int s = 0; s < 5; s++) {
      int pool = MIXED.poolOf(s);
      int size = 2 * MIXED.streams().get(s).width();
      for (int page : freed[pool]) {
        assertThat(allNaN(cache.data(s), page * size, (page + 1) * size)).isTrue();
      }
      int at = keptPages[pool] * size;
      assertThat(Arrays.copyOfRange(cache.data(s), at, at + size)).containsOnly(1f);
    }
  }

  private static boolean allNaN(float[] rows, int from, int to) {
    boolean all = true;
    for (int i = from; i < to; i++) {
      all &= Float.isNaN(rows[i]);
    }
    return all;
  }

  @Test
  void streamsThatLiveEquallyLongShareAPoolAndOthersDoNot() {
    assertThat(MIXED.pools()).containsExactly(Stream.ALL, 8, 4);
    assertThat(IntStream.range(0, 5).map(MIXED::poolOf).toArray()).containsExactly(0, 1, 0, 2, 1);
    assertThat(PLAIN.pools()).containsExactly(Stream.ALL);
  }

  @Test
  void bytesOfATokenCountEveryStreamAndShareARowAmongItsTokens() {
    assertThat(PLAIN.bytesPerToken()).isEqualTo(4 * (3 + 5));
    KvLayout compressed =
        new KvLayout(
            List.of(Stream.whole("key", 3), new Stream("compressed", 64, 4, Stream.ALL, 4)));
    assertThat(compressed.bytesPerToken()).isEqualTo(4 * 3 + 4 * 64 / 4);
  }

  @Test
  void aStreamOrLayoutThatCannotBeIsRefusedByName() {
    assertThatThrownBy(() -> new Stream("layers.3.key", 0, 1, 1, 0))
        .hasMessageContaining("layers.3.key")
        .hasMessageContaining("found 0, 1, 1, 0");
    assertThatThrownBy(() -> new Stream("s", 1, 1, 0, 0)).hasMessageContaining("keeps >= 1");
    assertThatThrownBy(() -> new KvLayout(List.of())).hasMessageContaining("at least one stream");
    assertThatThrownBy(() -> new KvCache(PLAIN, 0, 5, 1)).hasMessageContaining("found 0 and 5");
    assertThatThrownBy(() -> new KvCache(PLAIN, 1 << 28, 1 << 28, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stream key would take 3221225472 floats");
  }

  @Test
  void pagesAreConservedAndNeverSharedByTwoSequencesInARandomWalk() {
    long seed = 23;
    System.out.println("KV cache walk, seed " + seed);
    Random random = new Random(seed);
    KvCache cache = new KvCache(MIXED, 3, 30, 17);
    List<PageTable> live = new ArrayList<>();
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      switch (random.nextInt(4)) {
        case 0 -> live.add(cache.newTable());
        case 1 -> {
          if (!live.isEmpty()) {
            cache.release(live.remove(random.nextInt(live.size())));
          }
        }
        default -> refused += grow(cache, live, random) ? 0 : 1;
      }
      requireConserved(cache, live);
    }
    assertThat(refused).as("times the cache was full").isPositive();
  }

  private static boolean grow(KvCache cache, List<PageTable> live, Random random) {
    if (live.isEmpty()) {
      return true;
    }
    PageTable table = live.get(random.nextInt(live.size()));
    int slots = Math.min(30, table.slots() + 1 + random.nextInt(9));
    try {
      cache.reserve(table, slots);
      assertThat(table.slots()).isGreaterThanOrEqualTo(slots);
      return true;
    } catch (IllegalStateException full) {
      assertThat(cache.available()).isZero();
      return false;
    }
  }

  private static void requireConserved(KvCache cache, List<PageTable> live) {
    int held = live.stream().mapToInt(PageTable::held).sum();
    assertThat(cache.available() + held).isEqualTo(17);
    for (int pool = 0; pool < 3; pool++) {
      Set<Integer> pages = new HashSet<>();
      for (PageTable table : live) {
        for (int i = 0; i < table.held(); i++) {
          assertThat(pages.add(table.pages(pool)[i])).as("page held once").isTrue();
        }
      }
    }
  }
}
