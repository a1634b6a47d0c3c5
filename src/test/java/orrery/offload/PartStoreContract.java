package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What holds for every store. */
abstract class PartStoreContract {
  private static final int FILE = PartFile.HEADER;

  /** A new, empty store with room for so many bytes; time goes on from call to call. */
  abstract PartStore store(long limit);

  @Test
  void aPartIsReadAsItWasStored() {
    PartStore store = store(1 << 20);
    int[] lengths = {0, 1, 63, 4096, 12_288, 204_801};
    for (int i = 0; i < lengths.length; i++) {
      assertThat(store.put(Parts.part(i), Parts.rows(i, lengths[i]))).isTrue();
    }
    for (int i = 0; i < lengths.length; i++) {
      assertThat(store.contains(Parts.part(i))).isTrue();
      assertThat(Parts.has(store, i, lengths[i])).isTrue();
    }
  }

  @Test
  void whatWasNeverStoredIsAMiss() {
    PartStore store = store(1 << 20);
    Part there = Parts.part(1);
    store.put(there, Parts.rows(1, 100));
    Part otherPool = new Part(there.block(), there.pool() + 1);
    BlockKey key = there.block();
    Part otherKey = new Part(new BlockKey(key.a(), key.b(), key.c(), key.d() ^ 1), there.pool());
    for (Part part : List.of(Parts.part(2), otherPool, otherKey)) {
      assertThat(store.contains(part)).isFalse();
      assertThat(store.get(part, Parts.room(100))).isFalse();
    }
  }

  @Test
  void aPartOfAnotherLengthIsAMiss() {
    PartStore store = store(1 << 20);
    for (int length : new int[] {99, 101}) {
      store.put(Parts.part(1), Parts.rows(1, 100));
      assertThat(store.get(Parts.part(1), Parts.room(length))).isFalse();
    }
  }

  @Test
  void aPartThatIsStoredAgainCountsOnce() {
    PartStore store = store(10_000);
    for (int i = 0; i < 30; i++) {
      assertThat(store.put(Parts.part(i % 3), Parts.rows(i % 3, 1000))).isTrue();
    }
    assertThat(store.bytes()).isEqualTo(3 * (1000 + FILE));
    assertThat(IntStream.range(0, 3)).allMatch(i -> Parts.has(store, i, 1000));
  }

  @Test
  void theBytesNeverPassTheLimit() {
    int limit = 20_000;
    PartStore store = store(limit);
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) {
      assertThat(store.put(Parts.part(i), Parts.rows(i, random.nextInt(6000)))).isTrue();
      assertThat(store.bytes()).isBetween(0L, (long) limit);
    }
  }

  @Test
  void thePartsThatWereUsedLongestAgoGoFirst() {
    int rows = 1000;
    PartStore store = store(16 * (rows + FILE));
    for (int i = 0; i < 16; i++) {
      store.put(Parts.part(i), Parts.rows(i, rows));
    }
    assertThat(Parts.has(store, 0, rows)).isTrue(); // now 1 is the oldest
    assertThat(store.contains(Parts.part(1))).isTrue(); // to ask is no use
    store.put(Parts.part(16), Parts.rows(16, rows));
    List<Integer> left = IntStream.rangeClosed(0, 16).filter(i -> has(store, i)).boxed().toList();
    assertThat(left).contains(0, 16).doesNotContain(1).hasSizeGreaterThan(12);
    assertThat(left.subList(1, left.size())) // no hole: all that went is older than all that stayed
        .isEqualTo(IntStream.rangeClosed(left.get(1), 16).boxed().toList());
  }

  @Test
  void aPartThatIsToldToBeUsedGoesAsLateAsOneThatIsRead() {
    int rows = 1000;
    PartStore store = store(16 * (rows + FILE));
    for (int i = 0; i < 16; i++) {
      store.put(Parts.part(i), Parts.rows(i, rows));
    }
    assertThat(store.used(Parts.part(0))).isTrue();
    assertThat(store.used(Parts.part(16))).as("it is not there").isFalse();
    assertThat(has(store, 16)).isFalse();
    store.put(Parts.part(16), Parts.rows(16, rows));
    assertThat(Parts.has(store, 0, rows)).isTrue();
    assertThat(has(store, 1)).isFalse();
  }

  private static boolean has(PartStore store, int number) {
    return store.contains(Parts.part(number));
  }

  @Test
  void aPartLargerThanTheLimitIsRefusedAndNothingGoesForIt() {
    PartStore store = store(1000 + FILE);
    assertThat(store.put(Parts.part(0), Parts.rows(0, 1000))).isTrue();
    assertThat(store.put(Parts.part(1), Parts.rows(1, 1001))).isFalse();
    assertThat(Parts.has(store, 0, 1000)).isTrue();
  }

  @Test
  void manyThreadsReadAndWriteAndNoneEverReadsAWrongByte() throws Exception {
    PartStore store = store(40 * 2000);
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<Integer>> hits = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        int seed = thread;
        hits.add(pool.submit(() -> readAndWrite(store, new Random(seed))));
      }
      for (Future<Integer> each : hits) {
        assertThat(each.get()).isPositive();
      }
    }
    assertThat(store.bytes()).isBetween(1L, 40L * 2000);
  }

  private static int readAndWrite(PartStore store, Random random) {
    int hits = 0;
    for (int i = 0; i < 300; i++) {
      int number = random.nextInt(60);
      int bytes = 500 + number * 20;
      if (random.nextBoolean()) {
        store.put(Parts.part(number), Parts.rows(number, bytes));
      } else {
        hits += Parts.has(store, number, bytes) ? 1 : 0;
      }
    }
    return hits;
  }
}
