package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(600)
class TeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void everyPartOfManyThousandTasksRunsExactlyOnce(int threads) {
    int tasks = threads <= 2 ? 50_000 : 500; // more threads than cores wait for each other's slices
    AtomicIntegerArray runs = new AtomicIntegerArray(threads);
    try (Team team = new Team(threads)) {
      for (int i = 1; i <= tasks; i++) {
        team.run(
            (share, shares) -> {
              assertThat(shares).isEqualTo(threads);
              runs.incrementAndGet(share);
            });
        for (int share = 0; share < threads; share++) {
          if (runs.get(share) != i) {
            assertThat(runs.get(share)).as("runs of share %d after task %d", share, i).isEqualTo(i);
          }
        }
      }
    }
  }

  /** Workers that have no share of one task have one of the next; late ones do no share twice. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8})
  void aTaskOfFewerSharesThanThreadsRunsEachOfThemOnce(int threads) {
    int tasks = threads <= 2 ? 50_000 : 2_000;
    AtomicIntegerArray runs = new AtomicIntegerArray(threads);
    Random random = new Random(9);
    try (Team team = new Team(threads)) {
      for (int i = 0; i < tasks; i++) {
        int wanted = 1 + random.nextInt(threads);
        team.run(
            (share, shares) -> {
              assertThat(shares).isEqualTo(wanted);
              runs.incrementAndGet(share);
            },
            wanted);
        for (int share = 0; share < threads; share++) {
          int ran = runs.getAndSet(share, 0);
          if (ran != (share < wanted ? 1 : 0)) {
            assertThat(ran).as("runs of share %d of %d, task %d", share, wanted, i).isEqualTo(-1);
          }
        }
      }
    }
  }

  /** Late workers take no share of a newer task, and each share is known to its thread alone. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void aTaskOfMoreSharesThanThreadsRunsEachOfThemOnce(int threads) {
    int tasks = threads <= 2 ? 20_000 : 2_000;
    Random random = new Random(9);
    try (Team team = new Team(threads)) {
      for (int i = 0; i < tasks; i++) {
        int wanted = 1 + random.nextInt(6 * threads);
        Counted counted = new Counted(wanted, threads);
        team.run(counted, wanted);
        for (int share = 0; share < wanted; share++) {
          assertThat(counted.runs.get(share)).as("runs of share %d, task %d", share, i).isOne();
          assertThat(counted.takenBy[share] >= 0).isEqualTo(share >= threads);
        }
      }
    }
  }

  private static final class Counted implements Team.Task {
    final AtomicIntegerArray runs;
    final int[] takenBy;
    final Thread[] threads;

    Counted(int shares, int threads) {
      runs = new AtomicIntegerArray(shares);
      takenBy = new int[shares];
      Arrays.fill(takenBy, -1);
      this.threads = new Thread[threads];
    }

    @Override
    public void taken(int share, int thread) {
      takenBy[share] = thread;
      if (threads[thread] != null && threads[thread] != Thread.currentThread()) {
        throw new AssertionError("two threads call themselves " + thread);
      }
      threads[thread] = Thread.currentThread();
    }

    @Override
    public void run(int share, int shares) {
      runs.incrementAndGet(share);
      if (takenBy[share] >= 0 && threads[takenBy[share]] != Thread.currentThread()) {
        throw new AssertionError("share " + share + " was taken by another thread");
      }
    }
  }

  @Test
  void aSlowThreadDoesFewerShares() {
    try (Team team = new Team(2)) {
      Set<Integer> ofCaller = ConcurrentHashMap.newKeySet();
      Thread caller = Thread.currentThread();
      CountDownLatch rest = new CountDownLatch(9);
      team.run(
          (share, shares) -> {
            if (share == 1) {
              await(rest); // this worker is slow: all other shares are done before it goes on
              return;
            }
            if (Thread.currentThread() == caller) {
              ofCaller.add(share);
            }
            rest.countDown();
          },
          10);
      assertThat(ofCaller).contains(0, 2, 3, 4, 5, 6, 7, 8, 9);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 512})
  void aTaskOfTooManySharesIsRefused(int shares) {
    try (Team team = new Team(2)) {
      assertThatThrownBy(() -> team.run((share, of) -> {}, shares))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("shares: expected 1 to 511, found " + shares);
    }
  }

  @Test
  void theCallerAndTheNextTaskSeeWhatAPartWrote() {
    int[] plain = new int[2]; // neither volatile nor atomic: the hand-over publishes it
    try (Team team = new Team(2)) {
      for (int i = 1; i <= 20_000; i++) {
        int expected = i - 1;
        team.run(
            (share, shares) -> {
              if (plain[1 - share] < expected) {
                throw new AssertionError("share " + share + " saw a stale value");
              }
            });
        team.run((share, shares) -> plain[share]++);
        assertThat(plain).containsExactly(i, i);
      }
    }
  }

  @Test
  void thePartsOfATaskRunAtTheSameTimeOnDifferentThreads() {
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    try (Team team = new Team(3)) {
      team.run(
          (share, shares) -> {
            seen.add(Thread.currentThread());
            while (seen.size() < shares) { // ends only if all shares run at the same time
              Thread.onSpinWait();
            }
          });
    }
    assertThat(seen).hasSize(3).contains(Thread.currentThread());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 7, 8})
  void anExceptionOfAnyOfManySharesReachesTheCallerWhenAllAreDone(int failing) {
    AtomicIntegerArray runs = new AtomicIntegerArray(9);
    try (Team team = new Team(3)) {
      for (int i = 1; i <= 200; i++) {
        RuntimeException thrown = new IllegalStateException("share " + failing + ", task " + i);
        Team.Task task =
            (share, shares) -> {
              runs.incrementAndGet(share);
              if (share == failing) {
                throw thrown;
              }
            };
        assertThatThrownBy(() -> team.run(task, 9)).isSameAs(thrown);
        team.run((share, shares) -> {}, 9); // the failure is not thrown a second time
        for (int share = 0; share < 9; share++) {
          assertThat(runs.get(share)).isEqualTo(i);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void anExceptionOfAnyPartReachesTheCallerAndTheTeamGoesOn(int failing) {
    AtomicIntegerArray runs = new AtomicIntegerArray(3);
    try (Team team = new Team(3)) {
      for (int i = 1; i <= 200; i++) {
        RuntimeException thrown = new IllegalStateException("share " + failing + ", task " + i);
        assertThatThrownBy(
                () ->
                    team.run(
                        (share, shares) -> {
                          runs.incrementAndGet(share);
                          if (share == failing) {
                            throw thrown;
                          }
                        }))
            .isSameAs(thrown);
        team.run(
            (share, shares) ->
                runs.incrementAndGet(share)); // the failure is not thrown a second time
        for (int share = 0; share < 3; share++) {
          assertThat(runs.get(share)).isEqualTo(2 * i);
        }
      }
    }
  }

  @Test
  void anErrorOfAWorkerReachesTheCallerUnchanged() {
    try (Team team = new Team(2)) {
      StackOverflowError error = new StackOverflowError("deep");
      assertThatThrownBy(
              () ->
                  team.run(
                      (share, shares) -> {
                        if (share == 1) {
                          throw error;
                        }
                      }))
          .isSameAs(error);
    }
  }

  @Test
  void whenAllPartsFailOneFailureIsThrownAndNoneIsLeftForTheNextTask() {
    try (Team team = new Team(3)) {
      assertThatThrownBy(
              () ->
                  team.run(
                      (share, shares) -> {
                        throw new IllegalStateException("share " + share);
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("share 0");
      team.run((share, shares) -> {});
    }
  }

  @Test
  void idleWorkersParkAndWakeForTheNextTask() throws InterruptedException {
    AtomicIntegerArray runs = new AtomicIntegerArray(2);
    Thread[] worker = new Thread[1];
    try (Team team = new Team(2)) {
      for (int i = 1; i <= 20; i++) {
        CountDownLatch taken = new CountDownLatch(1);
        team.run(
            (share, shares) -> {
              runs.incrementAndGet(share);
              if (share == 1) {
                worker[0] = Thread.currentThread();
                taken.countDown();
              } else {
                await(taken); // otherwise the caller might do share 1 too
              }
            });
        long giveUp = System.nanoTime() + 120_000_000_000L;
        while (worker[0].getState() != Thread.State.WAITING && System.nanoTime() < giveUp) {
          Thread.sleep(1);
        }
        assertThat(worker[0].getState()).as("an idle worker").isEqualTo(Thread.State.WAITING);
        Thread.sleep(i == 1 ? 25 : 0);
      }
      team.run((share, shares) -> runs.incrementAndGet(share));
      assertThat(runs.get(0)).isEqualTo(21);
      assertThat(runs.get(1)).isEqualTo(21);
    }
  }

  @Test
  void aWorkerWithoutAShareParksWhileOthersWork() throws InterruptedException {
    Thread[] worker = new Thread[1];
    try (Team team = new Team(3)) {
      CountDownLatch taken = new CountDownLatch(1);
      team.run(
          (share, shares) -> {
            if (share == 2) {
              worker[0] = Thread.currentThread();
              taken.countDown();
            } else {
              await(taken); // otherwise the caller might do share 2 too
            }
          });
      int parked = 0;
      long giveUp = System.nanoTime() + 120_000_000_000L;
      while (parked < 1_000 && System.nanoTime() < giveUp) {
        team.run((share, shares) -> {}, 2); // the next one comes before a worker would park
        parked = worker[0].getState() == Thread.State.WAITING ? parked + 1 : 0;
      }
      assertThat(parked).as("tasks of others in a row while it was parked").isEqualTo(1_000);
    }
  }

  @Test
  void closingEndsTheThreadsWhetherTheyParkOrSpin() throws InterruptedException {
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    for (int pause : new int[] {0, 30}) {
      Team team = new Team(3);
      CountDownLatch taken = new CountDownLatch(2);
      team.run(
          (share, shares) -> {
            seen.add(Thread.currentThread());
            if (share == 0) {
              await(taken); // otherwise the caller might do the other shares too
            } else {
              taken.countDown();
            }
          });
      Thread.sleep(pause);
      team.close();
      team.close(); // twice does no harm
    }
    seen.remove(Thread.currentThread());
    assertThat(seen).hasSize(4);
    assertThat(seen.stream().filter(Thread::isAlive).collect(Collectors.toSet())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aClosedTeamRefusesATaskInsteadOfWaitingForever(int threads) {
    Team team = new Team(threads);
    team.close();
    assertThatThrownBy(() -> team.run((share, shares) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 257})
  void aTeamOfAnImpossibleSizeIsRefused(int threads) {
    assertThatThrownBy(() -> new Team(threads))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("threads: expected 1 to 256, found " + threads);
  }

  @Test
  void aCallerDoesThePartsOfWorkersThatAreLate() {
    Thread caller = Thread.currentThread();
    int threads = 4 * Runtime.getRuntime().availableProcessors() + 1; // they cannot all be running
    int[] byCaller = new int[1];
    try (Team team = new Team(Math.min(256, threads))) {
      for (int round = 0; round < 200; round++) {
        team.run(
            (share, shares) -> {
              if (share > 0 && Thread.currentThread() == caller) {
                byCaller[0]++;
              }
            });
      }
    }
    assertThat(byCaller[0]).isPositive();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(2, TimeUnit.MINUTES)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
