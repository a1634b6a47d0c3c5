package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.events.Event;
import orrery.events.PartsRead;
import orrery.events.StorageFault;
import orrery.events.Written;
import orrery.offload.MemoryPartStore;
import orrery.offload.Part;
import orrery.offload.PartStore;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCache.Fetch;

/** Files behind host memory. The test does what the disk's thread would do, part by part. */
class FilesBehindTest {
  private static final int P = PlayedTiers.P;
  private static final int LONG = 33; // tokens, of which 8 blocks can be hit

  /** Does what the test says. */
  private static final class Watched implements PartStore {
    PartStore store = new MemoryPartStore(1 << 20);
    boolean bug;
    int asked; // whether it has a part
    int used; // parts that were told to be
    int misses; // reads to come that find nothing, as if another engine had deleted the part

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
    public boolean used(Part part) {
      used++;
      return store.used(part);
    }

    @Override
    public boolean get(Part part, MemorySegment into) {
      return misses-- <= 0 && store().get(part, into);
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

  private final Watched store = new Watched();
  private final TestClock clock = new TestClock();
  private PlayedTiers tiers;

  /** An engine's cache on the same store: what was in memory is gone. */
  private void start(int slots, int waiting, WritePolicy policy) {
    close();
    tiers =
        new PlayedTiers(
            PrefixCacheContract.PLAIN, 16, slots, policy, clock, Optional.of(store), waiting);
  }

  @AfterEach
  void close() {
    if (tiers != null) {
      tiers.close();
      tiers = null;
    }
  }

  private void stored(int first) {
    start(16, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(first, LONG);
    tiers.work();
  }

  private Optional<Fetch> fetch(int first, int threshold) {
    return tiers.cache.fetch(PlayedTiers.tokens(first, LONG), LONG - 1, "", threshold);
  }

  /** A fetch of which it is known what can come, if that is enough. */
  private Fetch found(int first, int threshold) {
    Fetch fetch = fetch(first, threshold).orElseThrow();
    while (fetch.tokens() == 0 && !fetch.ended()) {
      tiers.workOnce();
    }
    return fetch;
  }

  private int hit(int first) {
    return tiers.match(first, LONG).tokens();
  }

  /** Others come and go, and push out what is not kept. */
  private void othersCome(int from) {
    for (int first = from; first < from + 20; first++) {
      tiers.played(first, 9);
      tiers.work();
    }
    tiers.evictAll();
  }

  @Test
  void aHitGrowsWithEachPartThatComes() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(hit(1)).isZero();
    Fetch fetch = found(1, 1);
    assertThat(fetch.tokens()).isEqualTo(32);
    for (int block = 0; block < 8; block++) {
      assertThat(fetch.ended()).isFalse();
      assertThat(hit(1)).isEqualTo(block * P);
      tiers.workOnce();
      tiers.cache.check();
    }
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).isEqualTo(32);
    fetch.release();
    tiers.played(1, LONG);
    assertThat(tiers.events(PartsRead.class)).singleElement().matches(r -> r.parts() == 8);
  }

  @Test
  void aPartThatFilesHaveIsNotWrittenAgain() {
    stored(1);
    assertThat(tiers.events(Written.class)).hasSize(8);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(1, LONG);
    tiers.work();
    assertThat(tiers.events(Written.class)).isEmpty();
  }

  @Test
  void fewerTokensThanTheThresholdBeyondFasterMemoryAreNotRead() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(fetch(1, 33)).isEmpty();
    Fetch other = found(2, 1);
    assertThat(other.tokens()).as("another prefix").isZero();
    tiers.played(1, 13); // 3 blocks
    assertThat(fetch(1, 21)).isEmpty();
    assertThat(found(1, 20).tokens()).isEqualTo(20);
    tiers.work();
    assertThat(tiers.events(PartsRead.class)).singleElement().matches(r -> r.parts() == 5);
  }

  @Test
  void filesThatHaveLessThanTheThresholdAreNotRead() {
    start(16, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(1, 13); // 3 blocks
    tiers.work();
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(found(1, 13).tokens()).isZero();
    assertThat(found(1, 12).tokens()).isEqualTo(12);
    tiers.work();
    assertThat(tiers.events(PartsRead.class)).singleElement().matches(r -> r.parts() == 3);
  }

  @Test
  void twoThatWaitForTheSamePartsShareTheReadUntilBothAreGone() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch one = found(1, 1);
    Fetch two = found(1, 1); // its look-up goes before the read
    tiers.workOnce();
    one.stop();
    tiers.workOnce();
    tiers.workOnce();
    assertThat(hit(1)).isEqualTo(3 * P);
    assertThat(two.ended()).isFalse();
    two.stop();
    tiers.work();
    assertThat(two.ended()).isTrue();
    assertThat(hit(1)).as("the part that was being read is the last").isBetween(3 * P, 4 * P);
    assertThat(tiers.cache.hostParts()).isEqualTo(hit(1) / P);
    one.release();
    two.release();
  }

  @Test
  void whoJoinsAReadThatOthersHaveCancelledBeginsAnotherOne() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch one = found(1, 1);
    tiers.workOnce();
    one.release(); // the disk's thread has not seen that yet
    Fetch two = fetch(1, 1).orElseThrow();
    tiers.work();
    assertThat(two.ended()).isTrue();
    assertThat(hit(1)).isEqualTo(32);
    assertThat(tiers.events(PartsRead.class)).hasSize(2);
    two.release();
  }

  @Test
  void aReadThatFindsLessThanTheLookUpIsTriedAgainAFewTimes() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    store.misses = 2;
    fetch(1, 1).orElseThrow();
    tiers.work();
    assertThat(hit(1)).isEqualTo(32);
    assertThat(tiers.events(PartsRead.class)).hasSize(3);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    store.misses = 1000;
    Fetch fetch = fetch(1, 1).orElseThrow();
    tiers.work();
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).isZero();
    assertThat(store.misses).isBetween(990, 999);
  }

  @Test
  void aFullQueueOfReadsMakesARequestWaitAndNotCompute() {
    stored(1);
    tiers.played(2, LONG);
    tiers.work();
    start(32, 1, WritePolicy.WRITE_THROUGH);
    Fetch one = found(1, 1);
    Fetch two = fetch(2, 1).orElseThrow();
    tiers.workOnce();
    assertThat(two.ended()).isFalse();
    tiers.work();
    assertThat(one.ended() && two.ended()).isTrue();
    assertThat(hit(1)).isEqualTo(32);
    assertThat(hit(2)).isEqualTo(32);
  }

  @Test
  void aReadThatMustWaitPushesNothingOutOfTheHost() {
    stored(1);
    tiers.played(2, LONG);
    tiers.work();
    start(16, 1, WritePolicy.WRITE_THROUGH);
    tiers.played(3, LONG);
    tiers.work();
    tiers.played(4, LONG);
    tiers.work();
    tiers.evictAll();
    found(1, 1);
    Fetch two = found(2, 1);
    assertThat(two.ended()).isFalse();
    assertThat(hit(3)).as("it made room for the first read").isZero();
    assertThat(hit(4)).isEqualTo(32);
    tiers.work();
    assertThat(hit(2)).isEqualTo(32);
  }

  @Test
  void theDiskIsOwedTheWritesThatWerePutOffWhenItHasDoneTheOthers() {
    start(16, 3, WritePolicy.WRITE_THROUGH);
    tiers.played(1, LONG); // 8 parts
    for (int ended = 0; ended < 8; ) {
      assertThat(tiers.cache.owes()).as("it has some").isFalse();
      while (tiers.disk.runNext()) {
        ended++;
      }
      assertThat(tiers.cache.owes()).isEqualTo(ended < 8);
      tiers.cache.settle();
    }
    assertThat(tiers.events(Written.class).stream().mapToInt(Written::tokens).sum()).isEqualTo(32);
  }

  @Test
  void aHostWithFewSlotsMakesAShorterRead() {
    stored(1);
    start(3, 16, WritePolicy.WRITE_THROUGH);
    fetch(1, 1).orElseThrow();
    tiers.work();
    assertThat(hit(1)).isEqualTo(3 * P);
  }

  @Test
  void whatCameStaysUntilItsRequestStartsOrGoes() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch fetch = fetch(1, 1).orElseThrow();
    tiers.work();
    fetch.stop(); // its time is up: it may start, and waits for pages
    othersCome(10);
    assertThat(hit(1)).isEqualTo(32);
    fetch.release();
    othersCome(40);
    assertThat(hit(1)).isZero();
  }

  @Test
  void whatWasThereAlreadyStaysToo() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(1, 13); // 3 blocks
    tiers.work();
    tiers.evictAll();
    Fetch fetch = fetch(1, 1).orElseThrow();
    tiers.work();
    othersCome(10);
    assertThat(hit(1)).isEqualTo(32);
    fetch.release();
  }

  @Test
  void atMostHalfOfTheSlotsStayForRequestsThatWait() {
    stored(1);
    start(8, 16, WritePolicy.WRITE_THROUGH);
    Fetch fetch = fetch(1, 1).orElseThrow();
    Fetch same = fetch(1, 1).orElseThrow();
    tiers.work();
    assertThat(hit(1)).isEqualTo(32);
    othersCome(10);
    assertThat(hit(1)).as("4 blocks").isEqualTo(16);
    fetch.release();
    othersCome(40);
    assertThat(hit(1)).as("the other one waits still").isEqualTo(16);
    same.release();
    othersCome(70);
    assertThat(hit(1)).isZero();
  }

  @Test
  void aFlushMeanwhileLeavesTheSlotsThatAreBeingRead() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch fetch = found(1, 1);
    tiers.workOnce();
    tiers.cache.clear();
    tiers.cache.check();
    assertThat(hit(1)).isZero();
    tiers.work();
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).isZero();
    assertThat(tiers.cache.hostParts()).as("slots are free when their reads have ended").isZero();
    assertThat(fetch(1, 1)).as("files are not flushed").isPresent();
    tiers.work();
    assertThat(hit(1)).isEqualTo(32);
  }

  @Test
  void aFlushMeanwhileLeavesTheSlotsThatAreBeingWrittenUntilTheyAre() {
    start(16, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(1, LONG);
    tiers.cache.clear();
    tiers.cache.check();
    assertThat(hit(1)).isZero();
    assertThat(tiers.cache.hostParts()).isEqualTo(8);
    tiers.work();
    assertThat(tiers.cache.hostParts()).isZero();
    assertThat(found(1, 1).tokens()).isEqualTo(32);
  }

  @Test
  void aPartOnItsWayToAFileKeepsItsSlot() {
    start(2, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(1, 9); // 2 blocks
    tiers.played(2, 9);
    tiers.cache.check();
    assertThat(tiers.cache.hostParts()).isEqualTo(2);
    tiers.work();
    assertThat(tiers.events(Written.class)).hasSize(2);
    tiers.played(3, 9);
    tiers.work();
    assertThat(tiers.events(Written.class)).as("the slots are free for others now").hasSize(2);
  }

  @Test
  void theEnginesThreadAsksNoFile() {
    start(4, 1, WritePolicy.WRITE_BACK);
    for (int first = 1; first < 20; first++) {
      fetch(first, 1).orElseThrow().release();
      tiers.played(first, 13);
    }
    assertThat(tiers.events(StorageFault.class)).as("the queue is full").isNotEmpty();
    fetch(30, 1).orElseThrow();
    assertThat(store.asked + store.used).isZero();
    tiers.work();
    assertThat(store.asked).isPositive();
  }

  @Test
  void anOrderlyEndWritesThePartsThatWerePutOff() {
    start(16, 1, WritePolicy.WRITE_THROUGH);
    tiers.played(1, LONG); // 8 blocks, of which one write waits
    assertThat(tiers.cache.drain()).isTrue();
    tiers.work();
    assertThat(tiers.events(Written.class)).hasSize(8);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(found(1, 1).tokens()).isEqualTo(32);
  }

  @Test
  void aBugInAReadOrAWriteIsToldAndFailsNothingElse() {
    stored(1);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    Fetch fetch = found(1, 1);
    tiers.workOnce();
    store.bug = true;
    tiers.work();
    assertThat(fetch.ended()).isTrue();
    assertThat(hit(1)).as("what came before").isEqualTo(P);
    tiers.played(2, 9); // 2 blocks
    tiers.work();
    assertThat(tiers.events(StorageFault.class)).hasSize(3).allMatch(f -> f.kind().equals("bug"));
    assertThat(tiers.cache.hostParts()).isEqualTo(3);
  }

  @Test
  void aFullQueuePutsAWriteOffUntilThereIsRoom() {
    start(8, 1, WritePolicy.WRITE_THROUGH);
    tiers.played(1, 13); // 3 blocks, of which one write waits
    assertThat(tiers.events(StorageFault.class)).hasSize(2).allMatch(f -> f.kind().equals("busy"));
    tiers.workOnce();
    assertThat(tiers.events(Written.class)).hasSize(1);
    tiers.work();
    assertThat(tiers.events(Written.class)).hasSize(2);
    assertThat(tiers.events(StorageFault.class)).isEmpty();
  }

  @Test
  void aPartThatLeavesTheHostIsNotPutOffAnyMore() {
    start(4, 1, WritePolicy.WRITE_THROUGH);
    for (int first = 1; first < 8; first++) {
      tiers.played(first, 9);
      tiers.cache.check();
    }
    assertThat(tiers.events(StorageFault.class)).anyMatch(f -> f.kind().equals("lost"));
    tiers.work();
    assertThat(tiers.events(StorageFault.class)).isEmpty();
  }

  @Test
  void writeBackWritesTheOldestBeforeTheirSlotsAreWanted() {
    start(8, 16, WritePolicy.WRITE_BACK);
    for (int first = 1; first < 40; first++) {
      tiers.played(first, 13);
      tiers.work();
    }
    List<Event.Tiers> all = tiers.cache.tiers(0);
    long written = all.stream().filter(e -> e instanceof Written).count();
    long lost = all.stream().filter(e -> e instanceof StorageFault).count();
    assertThat(written).isGreaterThan(lost);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPrefixThatIsHitInMemoryStaysInFiles(boolean inPages) {
    store.store = new MemoryPartStore(12 * 80); // 12 parts with their headers
    start(16, 16, WritePolicy.WRITE_THROUGH);
    for (int first = 2; first < 30; first++) {
      tiers.played(1, 9); // 2 blocks
      if (!inPages) {
        tiers.evictAll();
      }
      tiers.played(first, 9);
      tiers.work();
      clock.pass(Duration.ofSeconds(61).toNanos());
    }
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(found(1, 1).tokens()).isEqualTo(8);
    assertThat(found(2, 1).tokens()).as("used once, and longest ago").isZero();
  }

  @Test
  void aPartIsToldToBeUsedOnceAMinute() {
    start(16, 16, WritePolicy.WRITE_THROUGH);
    tiers.played(1, 9);
    tiers.work();
    for (int second = 0; second < 125; second++) {
      tiers.played(1, 9);
      tiers.work();
      clock.pass(Duration.ofSeconds(1).toNanos());
    }
    assertThat(store.used).as("2 blocks, after 60 and 120 seconds").isEqualTo(4);
  }

  @Test
  void aPartWhoseFileHasGoneIsWrittenAgainWhenItIsUsed() {
    stored(1);
    assertThat(tiers.events(Written.class)).hasSize(8);
    store.store = new MemoryPartStore(1 << 20); // another engine needed the room
    clock.pass(Duration.ofMinutes(1).toNanos());
    tiers.played(1, LONG);
    tiers.work();
    assertThat(tiers.events(Written.class)).hasSize(8);
    start(16, 16, WritePolicy.WRITE_THROUGH);
    assertThat(found(1, 1).tokens()).isEqualTo(32);
  }
}
