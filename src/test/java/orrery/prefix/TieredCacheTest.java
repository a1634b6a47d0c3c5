package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.events.Event;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.Stored;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.offload.TieredCache;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCache.Match;

/** Host memory behind pages of 4 tokens, step by step; {@link TieredCacheContractTest} walks. */
class TieredCacheTest {
  private PlayedTiers tiers;
  private KvCache kv;
  private TieredCache cache;

  private void tiers(KvLayout layout, int pages, int slots, WritePolicy policy) {
    tiers = PlayedTiers.onHost(layout, pages, slots, policy);
    kv = tiers.kv;
    cache = tiers.cache;
  }

  @AfterEach
  void close() {
    tiers.close();
  }

  private static int[] tokens(int first, int n) {
    return PlayedTiers.tokens(first, n);
  }

  private void played(int first, int n) {
    tiers.played(first, n);
  }

  private Match match(int first, int n) {
    return tiers.match(first, n);
  }

  private long stored() {
    return tiers.events(Stored.class).size();
  }

  @Test
  void writeThroughStoresABlockOnceItIsComputed() {
    tiers(PrefixCacheContract.PLAIN, 16, 16, WritePolicy.WRITE_THROUGH);
    played(1, 9);
    assertThat(stored()).isEqualTo(2);
    played(1, 9);
    assertThat(stored()).as("they lie there already").isZero();
    cache.evict(0, 2);
    assertThat(stored()).isZero();
    assertThat(match(1, 9).tokens()).isEqualTo(8);
  }

  @Test
  void writeThroughSelectiveStoresABlockThatASecondSequenceHas() {
    tiers(PrefixCacheContract.PLAIN, 16, 16, WritePolicy.WRITE_THROUGH_SELECTIVE);
    played(1, 13);
    assertThat(stored()).isZero();
    played(1, 9);
    assertThat(stored()).isEqualTo(2);
    cache.evict(0, 3);
    assertThat(match(1, 13).tokens()).as("the third block was used once").isEqualTo(8);
  }

  @Test
  void writeBackStoresABlockWhenItLeaves() {
    tiers(PrefixCacheContract.PLAIN, 16, 16, WritePolicy.WRITE_BACK);
    played(1, 9);
    played(1, 9);
    assertThat(stored()).isZero();
    cache.evict(0, 2);
    assertThat(stored()).isEqualTo(2);
    assertThat(match(1, 9).tokens()).isEqualTo(8);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsFlushedIsOnNoTier(WritePolicy policy) {
    tiers(PrefixCacheContract.PLAIN, 16, 16, policy);
    played(1, 9);
    played(1, 9);
    cache.clear();
    assertThat(match(1, 9).tokens()).isZero();
    HostSlots slots = slots();
    assertThat(slots.free()).isEqualTo(slots.total()).isEqualTo(16);
    assertThat(slots.evicted()).isZero();
  }

  private HostSlots slots() {
    Event.Tiers last = cache.tiers(0).getLast();
    return ((HostPools) last).pools().getFirst();
  }

  @Test
  void aHitTakesIdlePagesAndNewOnesForRowsThatAreLoaded() {
    tiers(PrefixCacheContract.PLAIN, 16, 16, WritePolicy.WRITE_THROUGH);
    played(1, 17);
    played(2, 5);
    Played runs = Played.begin(kv, cache, tokens(1, 9), ""); // holds two blocks of four
    cache.evict(0, 3);
    Match match = match(1, 17);
    assertThat(match.tokens()).isEqualTo(16);
    assertThat(match.takes()).containsExactly(2);
    assertThat(match.loads()).isEqualTo(2);
    int available = kv.pool(0).available();
    Played again = Played.begin(kv, cache, tokens(1, 17), "");
    assertThat(kv.pool(0).available()).isEqualTo(available - 2);
    assertThat(cache.tiers(0)).anyMatch(e -> e instanceof Loaded l && l.pages() == 2);
    runs.end();
    again.end();
    assertThat(kv.pool(0).idle()).as("what was loaded is in the cache again").isEqualTo(4);
  }

  @Test
  void ofAWindowOnlyWhatTheHitNeedsIsLoaded() {
    tiers(PrefixCacheContract.WINDOWED, 16, 16, WritePolicy.WRITE_THROUGH);
    played(1, 17);
    cache.evict(1, kv.pool(1).idle()); // all blocks are tombstones
    Match match = match(1, 17);
    assertThat(match.tokens()).isEqualTo(16);
    assertThat(match.loads()).as("one page of the window, no key").isEqualTo(1);
    Played again = Played.begin(kv, cache, tokens(1, 17), "");
    again.compute(17);
    again.end();
    assertThat(match(1, 17).loads()).as("the block is live again").isZero();
  }

  /** A head without its tail is a shorter hit; a tail without its head is none. */
  @Test
  void onTheHostTooTailsAreEvictedBeforeHeads() {
    tiers(PrefixCacheContract.PLAIN, 16, 4, WritePolicy.WRITE_THROUGH);
    played(1, 17); // four blocks
    played(2, 9); // two more
    cache.evict(0, kv.pool(0).idle());
    assertThat(match(2, 9).tokens()).isEqualTo(8);
    assertThat(match(1, 17).tokens()).isEqualTo(8);
  }

  /** The hit of the second sequence is idle while pages for the first one's are made free. */
  @Test
  void makingRoomForOneHitOfAStepDoesNotCostAnother() {
    tiers(PrefixCacheContract.PLAIN, 6, 16, WritePolicy.WRITE_BACK);
    played(1, 13);
    played(2, 13);
    played(3, 9);
    assertThat(match(1, 13).loads()).as("these have left for the third").isPositive();
    Match first = match(1, 13);
    Match second = match(2, 9);
    Played one = Played.acquire(kv, cache, tokens(1, 13), "", Retentions.NONE);
    Played two = Played.acquire(kv, cache, tokens(2, 9), "", Retentions.NONE);
    assertThat(one.hit).isEqualTo(first.tokens()).isEqualTo(12);
    assertThat(two.hit).isEqualTo(second.tokens()).isEqualTo(8);
    cache.evict(0, cache.lacking(0) - kv.pool(0).available());
    cache.load().await(Arrival.EVERY_STREAM);
    one.arrived();
    two.arrived();
    one.end();
    two.end();
  }

  /** Eviction stores (write-back), which wants slots, while the hit's parts wait to be read. */
  @Test
  void aPartThatIsToBeReadKeepsItsSlot() {
    tiers(PrefixCacheContract.PLAIN, 4, 2, WritePolicy.WRITE_BACK);
    played(1, 9);
    played(2, 13); // pushes the first two blocks to the host, whose slots they fill
    assertThat(match(1, 9).loads()).isEqualTo(2);
    Played one = Played.begin(kv, cache, tokens(1, 9), ""); // evicts others; checks its rows
    assertThat(one.hit).isEqualTo(8);
    one.end();
  }

  @Test
  void aLossIsWhatNoTierHasAnyMore() {
    tiers(PrefixCacheContract.PLAIN, 16, 2, WritePolicy.WRITE_THROUGH);
    played(1, 9);
    long losses = cache.losses();
    cache.evict(0, 2);
    assertThat(cache.losses()).as("the host has it").isEqualTo(losses);
    assertThat(match(1, 9).tokens()).isEqualTo(8);
    played(2, 9); // pushes it out of the host
    assertThat(match(1, 9).tokens()).isZero();
    assertThat(cache.losses()).isGreaterThan(losses);
    tiers.close();
    tiers(PrefixCacheContract.PLAIN, 16, 16, WritePolicy.WRITE_THROUGH_SELECTIVE);
    played(1, 9);
    losses = cache.losses();
    cache.evict(0, 2);
    assertThat(match(1, 9).tokens()).as("it was used once").isZero();
    assertThat(cache.losses()).isGreaterThan(losses);
    played(1, 9);
    losses = cache.losses();
    cache.clear();
    assertThat(cache.losses()).isGreaterThan(losses);
  }

  @Test
  void saltsIsolateOnTheHostToo() {
    tiers(PrefixCacheContract.PLAIN, 16, 16, WritePolicy.WRITE_THROUGH);
    played(1, 9);
    cache.evict(0, 2);
    assertThat(cache.match(tokens(1, 9), 8, "other").tokens()).isZero();
    assertThat(cache.match(tokens(1, 9), 8, "").tokens()).isEqualTo(8);
  }

  private static Retentions priority(int priority) {
    return token -> new Retention(priority);
  }

  /** Each is played twice, so that every policy stores it. */
  private void playedTwice(int first, Retentions retentions) {
    tiers.played(first, 5, retentions);
    tiers.played(first, 5, retentions);
  }

  @ParameterizedTest
  @EnumSource
  void aPartOfLowPriorityThatGoesDownPushesOutNoneOfAHigherOne(WritePolicy policy) {
    tiers(PrefixCacheContract.PLAIN, 16, 2, policy);
    playedTwice(1, priority(90));
    playedTwice(2, Retentions.NONE);
    tiers.evictAll();
    playedTwice(3, priority(10));
    tiers.evictAll();
    assertThat(match(1, 5).tokens()).isEqualTo(4);
    assertThat(match(2, 5).tokens()).isEqualTo(4);
    assertThat(match(3, 5).tokens()).isZero();
    assertThat(tiers.events(NotStored.class))
        .isNotEmpty()
        .allMatch(e -> e.why().equals("all host slots have parts of higher priority"));
    playedTwice(4, Retentions.NONE);
    tiers.evictAll();
    assertThat(match(4, 5).tokens()).as("an equal one").isEqualTo(4);
    assertThat(match(2, 5).tokens()).isZero();
    assertThat(match(1, 5).tokens()).isEqualTo(4);
  }
}
