package orrery.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.kv.KvCache;
import orrery.offload.SimulatedMover.Fault;
import orrery.offload.WritePolicy;
import orrery.prefix.TierWalk.Kind;

/**
 * Tiers under a simulated mover and a simulated disk: a million steps by default, and as many as
 * {@code -Dorrery.simulation} says. {@code -Dorrery.simulation.seed} begins with another seed; the
 * seed of a failure, which its message tells, fails again.
 */
class SimulatedTiersTest {
  private static final int STEPS = Integer.getInteger("orrery.simulation", 1_000_000);
  private static final int WALK = 2_000; // steps of a seed
  private static final long SEED = Long.getLong("orrery.simulation.seed", 1);

  private static List<Kind> kinds() {
    List<Kind> kinds = new ArrayList<>();
    for (Shape shape : Shape.ALL) {
      for (WritePolicy policy : WritePolicy.values()) {
        BiFunction<KvCache, LongSupplier, BlockCache> lru =
            (kv, clock) -> new RadixCache(kv, RadixCache.Eviction.LRU, clock);
        kinds.add(new Kind("radix", shape, lru, policy));
        kinds.add(new Kind("hash", shape, HashBlockCache::new, policy));
      }
    }
    return kinds;
  }

  /** Each seed walks over one kind. */
  private static TierWalk walk(long seed, Fault fault) {
    List<Kind> kinds = kinds();
    Kind kind = kinds.get((int) (seed % kinds.size()));
    TierWalk walk = new TierWalk(kind, fault, seed);
    try {
      walk.run(WALK);
    } catch (Throwable t) {
      throw new AssertionError(kind + ": -Dorrery.simulation.seed=" + seed + ": " + t, t);
    }
    return walk;
  }

  @Test
  void everyPageThatAStepReadsIsWholeAndAllBooksBalanceInEveryInterleaving() {
    long[] happened = new long[TierWalk.WHAT.size()];
    int seeds = Math.max(1, STEPS / WALK);
    for (int i = 0; i < seeds; i++) {
      long[] more = walk(SEED + i, Fault.NONE).happened();
      IntStream.range(0, more.length).forEach(k -> happened[k] += more[k]);
    }
    for (int k = 0; k < happened.length && seeds >= 36; k++) {
      assertThat(happened[k]).as(TierWalk.WHAT.get(k)).isPositive();
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void everyFaultOfAMoverIsSeen(Fault fault) {
    List<String> seen = new ArrayList<>();
    for (long seed = 1; seed <= 360 && seen.isEmpty(); seed++) {
      try {
        walk(seed, fault);
      } catch (AssertionError found) {
        seen.add(found.getMessage());
      }
    }
    assertThat(seen).isNotEmpty();
  }

  @Test
  void theSameSeedGivesTheSameWalk() {
    assertThat(walk(5, Fault.NONE).happened()).isEqualTo(walk(5, Fault.NONE).happened());
  }
}
