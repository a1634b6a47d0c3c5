package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrialTest {
  @Test
  void variantsTakeTurnsThereAndBack() {
    List<String> turns = new ArrayList<>();
    List<Trial.Variant> variants = new ArrayList<>();
    for (String name : List.of("a", "b", "c")) {
      variants.add(
          new Trial.Variant(
              name,
              1,
              calls -> {
                turns.add(name);
                return 0.01 * calls;
              }));
    }
    List<Trial.Timing> timings = Trial.run(variants, 1e-9);
    int rounds = timings.getFirst().seconds().length;
    assertThat(rounds).isGreaterThanOrEqualTo(7);
    List<String> measured = turns.subList(turns.size() - 3 * rounds, turns.size());
    assertThat(measured.subList(0, 6)).containsExactly("a", "b", "c", "c", "b", "a");
  }

  @Test
  void aTimingIsTheMedianWithItsQuartilesAsRates() {
    var t = new Trial.Timing("x", 10, new double[] {1, 2, 4, 5, 10});
    assertThat(t.median()).isEqualTo(4);
    assertThat(t.rate()).isEqualTo(2.5);
    assertThat(t.highRate()).isEqualTo(5);
    assertThat(t.lowRate()).isEqualTo(2);
  }

  @Test
  void theTimeThatAJobReportsCountsNotTheClock() {
    List<Trial.Timing> timings =
        Trial.run(List.of(new Trial.Variant("x", 6, calls -> 2.0 * calls)), 1e-9);
    assertThat(timings.getFirst().rate()).isEqualTo(3);
  }
}
