package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import orrery.events.Event;
import orrery.events.PartsRead;
import orrery.events.StorageFault;
import orrery.events.Written;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.offload.DiskQueue;
import orrery.offload.FileTier;
import orrery.offload.HostPool;
import orrery.offload.InlineMover;
import orrery.offload.MemoryPartStore;
import orrery.offload.Part;
import orrery.offload.PartLayout;
import orrery.offload.PartStore;
import orrery.offload.TieredCache;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCache.Fetch;

/** Files behind host memory. The test does what the disk's thread would do, part by part. */
class FilesBehindTest {
  private static final int P = 4;
  private static final int LONG = 33; // tokens, of which 8 blocks can be hit

  /** Has a bug, if the test says so. */
  private static final class Buggy implements PartStore {
    private final PartStore store = new MemoryPartStore(1 << 20);
    boolean bug;
    int asked; // whether it has a part

    private PartStore store() {
      if (bug) {
        throw new IllegalStateException("a bug of the test");
      }
      return store;
    }

    @Override
    public boolean contains(Part part) {
      asked++;
      return store.contains(part);
    }

    @Override
    public boolean get(Part part, MemorySegment into) {
      return store().get(part, into);
    }

    @Override
    public boolean put(Part part, MemorySegment bytes) {
      return store().put(part, bytes);
    }

    @Override
    public long bytes() {
      return store.bytes();
    }

    @Override
    public void close() {
      store.close();
    }
  }

  private final Buggy store = new Buggy();
  private KvCache kv;
  private TieredCache cache;
  private DiskQueue disk;

  /** An engine's cache on the same store: what was in memory is gone. */
  private void start(int slots, int waiting, WritePolicy policy) {
    close();
    KvLayout layout = PrefixCacheContract.PLAIN;
    kv = new KvCache(layout, P, 64, 16);
    PartLayout parts = new PartLayout(layout, kv.geometry());
    HostPool host =
        new HostPool(parts, IntStream.range(0, parts.pools()).map(_ -> slots).toArray());
    disk = new DiskQueue(store, host, waiting, () -> {});
    FileTier files = new FileTier(store, disk, () -> {}, new ArrayDeque<>(), 0);
    cache =
        new TieredCache(
            kv,
            new RadixCache(kv, RadixCache.Eviction.LRU),
            host,
            new InlineMover(kv, host),
            policy,
            Optional.of(files),
            CachedPages.ROWS);
  }

  @AfterEach
  void close() {
    if (cache != null) {
      cache.check();
      cache.close();
      cache = null;
    }
  }

  private static int[] tokens(int first, int n) {
    int[] tokens = PrefixCacheContract.tokens(n);
    tokens[0] = first;
    return tokens;
  }

  private void played(int first, int n) {
    Played s = Played.begin(kv, cache, tokens(first, n), "");
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      cache.evict(pool, Math.max(0, s.wants(pool, n) - kv.pool(pool).available()));
    }
    s.compute(n);
    s.end();
    cache.settle();
  }

  private void work() {
    while (disk.runNext()) {}
    cache.settle();
  }

  private void stored(int first) {
    start(16, 16, WritePolicy.WRITE_THROUGH);
    played(first, LONG);
    work();
  }

  private Optional<Fetch> fetch(int first, int threshold) {
    return cache.fetch(tokens(first, LONG), LONG - 1, "", threshold);
  }

  private int hit(int first) {
    return cache.match(tokens(first, LONG), LONG - 1, "").tokens();
  }

  private <E> List<E> events(Class<E> kind) {
    return cache.tiers(0).stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  @Test
  void aHitGrowsWithEachPartThatComes() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(hit(1)).isZero();
    Fetch fetch = fetch(1, 1).orElseThrow();
    assertThat(fetch.tokens()).isEqualTo(32);
    for (int block = 0; block < 8; block++) {
      assertThat(fetch.ended()).isFalse();
      assertThat(hit(1)).isEqualTo(block * P);
      assertThat(disk.runNext()).isTrue();
      cache.settle();
      cache.check();
    }
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).isEqualTo(32);
    played(1, LONG);
    assertThat(events(PartsRead.class)).singleElement().matches(r -> r.parts() == 8);
  }

  @Test
  void aPartThatFilesHaveIsNotWrittenAgain() {
    stored(1);
    assertThat(events(Written.class)).hasSize(8);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    played(1, LONG);
    work();
    assertThat(events(Written.class)).isEmpty();
  }

  @Test
  void fewerTokensThanTheThresholdBeyondFasterMemoryAreNotRead() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(fetch(1, 33)).isEmpty();
    assertThat(fetch(2, 1)).as("another prefix").isEmpty();
    played(1, 13); // 3 blocks
    assertThat(fetch(1, 21)).isEmpty();
    assertThat(fetch(1, 20).orElseThrow().tokens()).isEqualTo(20);
    work();
    assertThat(events(PartsRead.class)).singleElement().matches(r -> r.parts() == 5);
  }

  @Test
  void twoThatWaitForTheSamePartsShareTheReadUntilBothAreGone() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch one = fetch(1, 1).orElseThrow();
    Fetch two = fetch(1, 1).orElseThrow();
    disk.runNext();
    one.stop();
    disk.runNext();
    disk.runNext();
    cache.settle();
    assertThat(hit(1)).isEqualTo(3 * P);
    assertThat(two.ended()).isFalse();
    two.stop();
    work();
    assertThat(two.ended()).isTrue();
    assertThat(hit(1)).as("the part that was being read is the last").isBetween(3 * P, 4 * P);
    assertThat(cache.hostParts()).isEqualTo(hit(1) / P);
  }

  @Test
  void aHostWithFewSlotsMakesAShorterRead() {
    stored(1);
    start(3, 16, WritePolicy.WRITE_THROUGH);
    fetch(1, 1).orElseThrow();
    work();
    assertThat(hit(1)).isEqualTo(3 * P);
  }

  @Test
  void aFlushMeanwhileLeavesTheSlotsThatAreBeingRead() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch fetch = fetch(1, 1).orElseThrow();
    disk.runNext();
    cache.settle();
    cache.clear();
    cache.check();
    assertThat(hit(1)).isZero();
    work();
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).isZero();
    assertThat(cache.hostParts()).as("slots are free when their reads have ended").isZero();
    assertThat(fetch(1, 1)).as("files are not flushed").isPresent();
    work();
    assertThat(hit(1)).isEqualTo(32);
  }

  @Test
  void aFlushMeanwhileLeavesTheSlotsThatAreBeingWrittenUntilTheyAre() {
    start(16, 16, WritePolicy.WRITE_THROUGH);
    played(1, LONG);
    cache.clear();
    cache.check();
    assertThat(hit(1)).isZero();
    assertThat(cache.hostParts()).isEqualTo(8);
    work();
    assertThat(cache.hostParts()).isZero();
    assertThat(fetch(1, 1).orElseThrow().tokens()).isEqualTo(32);
    work();
  }

  @Test
  void aPartOnItsWayToAFileKeepsItsSlot() {
    start(2, 16, WritePolicy.WRITE_THROUGH);
    played(1, 9); // 2 blocks
    played(2, 9);
    cache.check();
    assertThat(cache.hostParts()).isEqualTo(2);
    work();
    assertThat(events(Written.class)).hasSize(2);
    played(3, 9);
    work();
    assertThat(events(Written.class)).as("the slots are free for others now").hasSize(2);
  }

  @Test
  void theEnginesThreadAsksNoFileWhenItStoresOrEvicts() {
    start(4, 1, WritePolicy.WRITE_BACK);
    for (int first = 1; first < 20; first++) {
      played(first, 13);
    }
    assertThat(events(StorageFault.class)).as("the queue is full").isNotEmpty();
    assertThat(store.asked).isZero();
    work();
    assertThat(store.asked).isPositive();
  }

  @Test
  void anOrderlyEndWritesThePartsThatWerePutOff() {
    start(16, 1, WritePolicy.WRITE_THROUGH);
    played(1, LONG); // 8 blocks, of which one write waits
    assertThat(cache.drain()).isTrue();
    work();
    assertThat(events(Written.class)).hasSize(8);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(fetch(1, 1).orElseThrow().tokens()).isEqualTo(32);
    work();
  }

  @Test
  void aBugInAReadOrAWriteIsToldAndFailsNothingElse() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch fetch = fetch(1, 1).orElseThrow();
    disk.runNext();
    store.bug = true;
    work();
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).as("what came before").isEqualTo(P);
    played(2, 9); // 2 blocks
    work();
    assertThat(events(StorageFault.class)).hasSize(3).allMatch(f -> f.kind().equals("bug"));
    assertThat(cache.hostParts()).isEqualTo(3);
  }

  @Test
  void aFullQueuePutsAWriteOffUntilThePartLeaves() {
    start(4, 1, WritePolicy.WRITE_THROUGH);
    played(1, 13); // 3 blocks, of which one write waits
    assertThat(events(StorageFault.class)).hasSize(2).allMatch(f -> f.kind().equals("busy"));
    work();
    assertThat(events(Written.class)).hasSize(1);
    for (int first = 2; first < 8; first++) {
      played(first, 5);
      work();
    }
    assertThat(store.bytes()).isPositive();
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(fetch(1, 1)).as("its first block is there").isPresent();
    work();
  }

  @Test
  void writeBackWritesTheOldestBeforeTheirSlotsAreWanted() {
    start(8, 16, WritePolicy.WRITE_BACK);
    for (int first = 1; first < 40; first++) {
      played(first, 13);
      work();
    }
    List<Event.Tiers> all = cache.tiers(0);
    long written = all.stream().filter(e -> e instanceof Written).count();
    long lost = all.stream().filter(e -> e instanceof StorageFault).count();
    assertThat(written).isGreaterThan(lost);
  }
}
