package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.events.Event;
import orrery.events.HostPools;
import orrery.events.Loaded;
import orrery.events.Stored;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.offload.Copy;
import orrery.offload.HostPool;
import orrery.offload.InlineMover;
import orrery.offload.Mover;
import orrery.offload.PartLayout;
import orrery.offload.TieredCache;
import orrery.offload.WritePolicy;
import orrery.prefix.RetentionConfig.TokenRange;

/**
 * A cache with host memory behind its pages is a prefix cache: with memory that never gets
 * anything, it does what the cache before it does alone; with any other, it finds the longest hit
 * that both together allow.
 */
class TieredCacheContractTest {
  private static TieredCache tiers(
      KvCache kv, BlockCache device, int[] slots, boolean broken, WritePolicy policy) {
    PartLayout layout = new PartLayout(kv.layout(), kv.geometry());
    for (int pool = 0; pool < slots.length; pool++) {
      slots[pool] = layout.pages(pool) == 0 ? 0 : slots[pool];
    }
    HostPool host = new HostPool(layout, slots);
    Mover mover = broken ? new BrokenMover() : new InlineMover(kv, host);
    return new TieredCache(kv, device, host, mover, policy, CachedPages.ROWS);
  }

  /** No store comes to its end. */
  private static final class BrokenMover implements Mover {
    @Override
    public Arrival load(List<Copy> copies) {
      throw new AssertionError("nothing is on the host");
    }

    @Override
    public boolean store(Copy copy) {
      return copy.slot() % 2 == 0; // the others do not even begin
    }

    @Override
    public boolean finish(Copy copy) {
      return false;
    }

    @Override
    public void cancel(Copy copy) {}

    @Override
    public void settled(Consumer<Copy> each) {}

    @Override
    public void close() {}
  }

  private static int[] slots(KvCache kv, int each) {
    int[] slots = new int[kv.geometry().pools()];
    Arrays.fill(slots, each);
    return slots;
  }

  @Nested
  class RadixAndABrokenMover extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      BlockCache device = new RadixCache(kv, RadixCache.Eviction.LRU, clock);
      return tiers(kv, device, slots(kv, 3), true, WritePolicy.WRITE_THROUGH);
    }
  }

  @Nested
  class HashAndABrokenMover extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return tiers(kv, new HashBlockCache(kv, clock), slots(kv, 3), true, WritePolicy.WRITE_BACK);
    }
  }

  /** Which cache is over the pages, and when blocks are copied. */
  private record Kind(
      String name, BiFunction<KvCache, LongSupplier, BlockCache> device, WritePolicy policy) {
    @Override
    public String toString() {
      return name + ", " + policy;
    }
  }

  static Stream<Kind> kinds() {
    return Stream.of(WritePolicy.values())
        .flatMap(
            policy ->
                Stream.of(
                    new Kind(
                        "lru",
                        (kv, clock) -> new RadixCache(kv, RadixCache.Eviction.LRU, clock),
                        policy),
                    new Kind(
                        "lfu",
                        (kv, clock) -> new RadixCache(kv, RadixCache.Eviction.LFU, clock),
                        policy),
                    new Kind("hash", HashBlockCache::new, policy),
                    new Kind(
                        "weak hash",
                        (kv, clock) ->
                            new HashBlockCache(kv, (hash, token) -> (hash + token) % 3, clock),
                        policy)));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aPartOfHigherPriorityKeepsItsSlotAndItsPriority(Kind kind) {
    KvCache kv = new KvCache(PrefixCacheContract.PLAIN, 4, 64, 32);
    TestClock clock = new TestClock();
    TieredCache cache = tiers(kv, kind.device.apply(kv, clock), slots(kv, 2), false, kind.policy);
    Retention high = new Retention(90).lasting(Duration.ofSeconds(10));
    RetentionConfig config =
        new RetentionConfig(List.of(TokenRange.from(0, high)), Optional.empty());
    for (int first : new int[] {'A', 'A', 'B', 'B', 'C', 'C', 'D', 'D'}) { // each is worth a copy
      Retentions r = first == 'A' ? config.over(5) : Retentions.NONE;
      Played s = Played.begin(kv, cache, new int[] {first, 1, 2, 3, 4}, "", r);
      s.compute(5);
      s.end();
    }
    cache.evict(0, kv.pool(0).idle());
    assertThat(cache.match(new int[] {'B', 1, 2, 3, 4}, 4, "").tokens()).isZero();
    clock.pass(Duration.ofSeconds(4).toNanos());
    Played again = Played.begin(kv, cache, new int[] {'A', 1, 2, 3, 4}, "");
    assertThat(again.hit).isEqualTo(4);
    assertThat(kv.pool(0).priority(again.pages(0)[0])).isEqualTo(90);
    int page = again.pages(0)[0];
    again.end();
    clock.pass(Duration.ofSeconds(6).toNanos()); // what was left of its time
    cache.evict(0, 0);
    assertThat(kv.pool(0).priority(page)).isEqualTo(Retention.USUAL);
    cache.check();
  }

  /** From one slot on, so that parts push each other out, to room for all. */
  @ParameterizedTest
  @MethodSource("kinds")
  void hitsAreTheLongestThatPagesAndHostMemoryAllowTogether(Kind kind) {
    int operations = Integer.getInteger("orrery.walk", 60_000) / 6;
    for (Shape shape : Shape.ALL) {
      Random sizes = new Random(3);
      TestClock clock = new TestClock();
      List<TieredCache> caches = new ArrayList<>();
      PrefixWalk walk =
          new PrefixWalk(
              shape,
              500,
              kv -> {
                int[] slots = sizes.ints(kv.geometry().pools(), 1, 2 << sizes.nextInt(7)).toArray();
                caches.add(tiers(kv, kind.device.apply(kv, clock), slots, false, kind.policy));
                return caches.getLast();
              },
              clock,
              11);
      walk.run(operations);
      walk.requireEventful();
      assertThat(walk.loadedPages()).isPositive();
      List<Event.Tiers> events = new ArrayList<>();
      caches.forEach(c -> events.addAll(c.tiers(0)));
      assertThat(events).anyMatch(e -> e instanceof Stored);
      assertThat(
              events.stream()
                  .filter(e -> e instanceof Loaded)
                  .mapToInt(e -> ((Loaded) e).pages())
                  .sum())
          .isEqualTo(walk.loadedPages());
      assertThat(events)
          .anyMatch(
              e -> e instanceof HostPools p && p.pools().stream().anyMatch(s -> s.evicted() > 0));
    }
  }
}
