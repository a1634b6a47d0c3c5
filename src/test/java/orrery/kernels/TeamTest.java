package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void everyPartOfEveryTaskIsDoneExactlyOnceBeforeTheNextTask(int threads) {
    AtomicIntegerArray done = new AtomicIntegerArray(threads); // [parts]
    try (Team team = new Team(threads)) {
      for (int round = 1; round <= 5_000; round++) {
        team.run((part, parts) -> done.addAndGet(part, parts));
        for (int part = 0; part < threads; part++) {
          assertThat(done.get(part)).isEqualTo(round * threads);
        }
        if (round % 500 == 0) {
          LockSupport.parkNanos(1_000_000); // long enough for the workers to park
        }
      }
    }
  }

  @Test
  void aCallerDoesThePartsOfWorkersThatAreLate() {
    Thread caller = Thread.currentThread();
    int threads = 4 * Runtime.getRuntime().availableProcessors() + 1; // they cannot all be running
    int[] byCaller = new int[1];
    try (Team team = new Team(Math.min(256, threads))) {
      for (int round = 0; round < 200; round++) {
        team.run(
            (part, parts) -> {
              if (part > 0 && Thread.currentThread() == caller) {
                byCaller[0]++;
              }
            });
      }
    }
    assertThat(byCaller[0]).isPositive();
  }

  @Test
  void aFailureOfAnyPartIsThrownAtTheCallerAndTheTeamGoesOn() {
    try (Team team = new Team(3)) {
      for (int round = 0; round < 1_000; round++) {
        int bad = round % 3;
        assertThatThrownBy(
                () ->
                    team.run(
                        (part, parts) -> {
                          if (part == bad) {
                            throw new IllegalStateException("part " + part);
                          }
                        }))
            .hasMessage("part " + bad);
        team.run((part, parts) -> {});
      }
    }
  }
}
