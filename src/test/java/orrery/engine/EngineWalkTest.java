package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.AllCores;

/**
 * Random lives of engines whose models have windows, in little memory: nothing that a program may
 * ask for stops an engine or changes an answer. An operation is what an engine reports as an event:
 * a request comes, starts, forks, gives up its pages or ends, pages leave the prefix cache, a token
 * comes, a step is done. A million of them: {@code -Dorrery.walk.lives=1600}. One life again:
 * {@code -Dorrery.walk.lives=1 -Dorrery.walk.seed=} and the seed that its message names.
 */
class EngineWalkTest {
  private static final int LIVES = Integer.getInteger("orrery.walk.lives", 150);
  private static final long SEED = Long.getLong("orrery.walk.seed", 1_000);

  @Test
  @Timeout(value = 1, unit = TimeUnit.HOURS, threadMode = ThreadMode.SEPARATE_THREAD)
  void noLifeStopsAnEngineOrChangesAnAnswer() {
    Map<String, Long> happened = new ConcurrentSkipListMap<>();
    AllCores.forEach(
        LongStream.range(SEED, SEED + LIVES).boxed().toList(), seed -> live(seed, happened));
    System.out.printf("engine walk: %d lives from seed %d%n  %s%n", LIVES, SEED, happened);
    if (LIVES >= 100) {
      for (Served model : EngineLife.MODELS) {
        assertThat(happened)
            .containsKeys(
                model + " accepted",
                model + " cancelled",
                model + " forks behind hits",
                model + " hits behind decoded tokens",
                model + " host evictions",
                model + " loads",
                model + " passed pages",
                model + " refusals",
                model + " retractions",
                model + " scored behind hits",
                model + " tombstones",
                model + " writes");
      }
      assertThat(happened.keySet()).anyMatch(what -> what.endsWith(" reads"));
      assertThat(happened.keySet())
          .anyMatch(what -> what.endsWith(" scored by retracted sequences"));
      assertThat(happened.keySet())
          .anyMatch(what -> what.endsWith(" loads of retracted sequences"));
      for (Served model : EngineLife.FEW_BITS) {
        assertThat(happened)
            .containsKeys(model + " accepted", model + " passed pages", model + " retractions");
      }
    }
  }

  private static void live(long seed, Map<String, Long> happened) {
    new EngineLife(seed, EngineLife.MODELS).run(happened);
    if (seed % 3 == 0) {
      new EngineLife(seed, EngineLife.FEW_BITS).run(happened);
    }
  }
}
