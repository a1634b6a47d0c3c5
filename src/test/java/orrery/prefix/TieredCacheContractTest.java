package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
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
      BlockCache device = new RadixCache(kv, RadixCache.Eviction.LRU);
      return tiers(kv, device, slots(kv, 3), true, WritePolicy.WRITE_THROUGH);
    }
  }

  @Nested
  class HashAndABrokenMover extends PrefixCacheContract {
    @Override
    PrefixCache cache(KvCache kv) {
      return tiers(kv, new HashBlockCache(kv), slots(kv, 3), true, WritePolicy.WRITE_BACK);
    }
  }

  /** Which cache is over the pages, and when blocks are copied. */
  private record Kind(String name, Function<KvCache, BlockCache> device, WritePolicy policy) {
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
                    new Kind("lru", kv -> new RadixCache(kv, RadixCache.Eviction.LRU), policy),
                    new Kind("lfu", kv -> new RadixCache(kv, RadixCache.Eviction.LFU), policy),
                    new Kind("hash", HashBlockCache::new, policy),
                    new Kind(
                        "weak hash",
                        kv -> new HashBlockCache(kv, (hash, token) -> (hash + token) % 3),
                        policy)));
  }

  /** From one slot on, so that parts push each other out, to room for all. */
  @ParameterizedTest
  @MethodSource("kinds")
  void hitsAreTheLongestThatPagesAndHostMemoryAllowTogether(Kind kind) {
    int operations = Integer.getInteger("orrery.walk", 60_000) / 6;
    for (Shape shape : Shape.ALL) {
      Random sizes = new Random(3);
      List<TieredCache> caches = new ArrayList<>();
      PrefixWalk walk =
          new PrefixWalk(
              shape,
              500,
              kv -> {
                int[] slots = sizes.ints(kv.geometry().pools(), 1, 2 << sizes.nextInt(7)).toArray();
                caches.add(tiers(kv, kind.device.apply(kv), slots, false, kind.policy));
                return caches.getLast();
              },
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
