package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;

/** The ladder goes from a naive engine to one with every technique, one switch at a time. */
class RungTest {
  private static final EngineOptions BASE = EngineOptions.defaults();

  @Test
  void everyRungChangesWhatItsNameSaysAndLaterOnesKeepIt() {
    List<EngineOptions> all = Rung.climb(BASE);
    for (int i = 1; i < all.size(); i++) {
      Rung rung = Rung.all().get(i);
      assertThat(all.get(i).equals(all.get(i - 1))).as(rung.name()).isEqualTo(rung.fp8());
      long changed = changed(all.get(i - 1), all.get(i));
      assertThat(changed).as(rung.name()).isLessThanOrEqualTo(2); // mixed chunks are two switches
    }
  }

  private static long changed(EngineOptions before, EngineOptions after) {
    Map<String, Object> old = before.switches();
    return after.switches().entrySet().stream()
        .filter(s -> !s.getValue().equals(old.get(s.getKey())))
        .filter(s -> !s.getKey().equals("speculative-num-steps"))
        .count();
  }

  @Test
  void theFirstHasStaticBatchesOneMemoryPieceAndEagerOps() {
    EngineOptions naive = Rung.climb(BASE).getFirst();
    assertThat(naive.batching().schedulePolicy()).isEqualTo(SchedulePolicy.STATIC);
    assertThat(naive.kv().pageSize()).isZero();
    assertThat(naive.compute().graph()).isFalse();
    assertThat(naive.speculation().on()).isFalse();
  }

  @Test
  void theLastHasEverySwitchThatANaiveEngineLacks() {
    EngineOptions last = Rung.climb(BASE).getLast();
    EngineOptions naive = Rung.climb(BASE).getFirst();
    assertThat(last.compute()).isEqualTo(BASE.compute()); // all that computes faster is a default
    assertThat(last.speculation().on()).isTrue();
    assertThat(last.batching().enableMixedChunk()).isTrue();
    assertThat(changed(naive, last)).isGreaterThanOrEqualTo(7);
  }
}
