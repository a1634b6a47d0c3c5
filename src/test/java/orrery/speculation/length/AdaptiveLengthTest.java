package orrery.speculation.length;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.speculation.DraftLength;
import orrery.speculation.DraftLength.Round;

/** Draft lengths on a machine with made-up times and acceptance. */
class AdaptiveLengthTest {
  private static final long SEED = 90210;
  private static final int MOST = 5;

  @BeforeAll
  static void printTheSeed() {
    System.out.println("AdaptiveLengthTest seed " + SEED);
  }

  /**
   * Plays rounds of one batch. Every draft is accepted with the same chance if all drafts before it
   * were.
   */
  private static final class Machine {
    final DraftLength length;
    final Random random;
    int batch = 1;
    double acceptance;
    IntToDoubleFunction time; // of a round with k drafts, in times of a round without
    double slow; // share of rounds that take twice as long
    double found = 1; // chance that a sequence has drafts at all
    boolean prefill;

    double tokens; // of one sequence so far
    double clock; // the time that the rounds would take on a quiet machine
    int changes;
    int last = -1;
    final int[] rounds = new int[MOST + 1]; // [length]

    Machine(DraftLength length, long seed) {
      this.length = length;
      random = new Random(seed);
    }

    Machine(double acceptance, IntToDoubleFunction time, long seed) {
      this(new AdaptiveLength(MOST), seed);
      this.acceptance = acceptance;
      this.time = time;
    }

    Machine run(int count) {
      for (int r = 0; r < count; r++) {
        round();
      }
      return this;
    }

    private void round() {
      int k = length.next(batch);
      changes += k == last ? 0 : 1;
      last = k;
      rounds[k]++;
      int[] drafted = new int[MOST];
      int[] accepted = new int[MOST];
      for (int s = 0; s < batch; s++) {
        boolean good = random.nextDouble() < found;
        boolean there = good;
        for (int i = 0; i < k && there; i++) {
          drafted[i]++;
          good &= random.nextDouble() < acceptance;
          accepted[i] += good ? 1 : 0;
        }
      }
      double ideal = time.applyAsDouble(drafted[0] == 0 ? 0 : k);
      double measured = ideal * (1 + 0.03 * random.nextGaussian());
      measured *= random.nextDouble() < slow ? 2 : 1;
      measured *= prefill ? 20 : 1;
      tokens += 1 + (double) Arrays.stream(accepted).sum() / batch;
      clock += ideal;
      length.observe(new Round(batch, k, drafted, accepted, prefill, (long) (1e6 * measured)));
    }

    Machine reset() {
      tokens = 0;
      clock = 0;
      changes = 0;
      Arrays.fill(rounds, 0);
      return this;
    }

    double rate() {
      return tokens / clock;
    }
  }

  /** Times of a machine on which each draft costs {@code cost} of a plain round. */
  private static IntToDoubleFunction each(double cost) {
    return k -> 1 + cost * k;
  }

  private static double best(double acceptance, IntToDoubleFunction time) {
    double best = 0;
    double tokens = 0;
    double chain = 1;
    for (int k = 0; k <= MOST; k++) {
      tokens += chain;
      chain *= acceptance;
      best = Math.max(best, tokens / time.applyAsDouble(k));
    }
    return best;
  }

  @Test
  void cheapDraftsThatAreAcceptedReachTheMost() {
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.95, each(0.05), SEED + seed).run(60).reset().run(400);
      assertThat(m.rounds[MOST]).as("seed %d: %s", seed, Arrays.toString(m.rounds)).isEqualTo(400);
    }
  }

  @Test
  void dearDraftsAreOffAndLoseLessThanFivePercentIncludingTheStart() {
    for (double cost : new double[] {0.5, 0.7, 1, 2}) {
      for (double acceptance : new double[] {0, 0.2, 0.4}) {
        double worst = 1;
        for (int seed = 0; seed < 20; seed++) {
          Machine m = new Machine(acceptance, each(cost), SEED + seed).run(300);
          worst = Math.min(worst, m.rate());
        }
        assertThat(worst).as("cost %.1f acceptance %.1f", cost, acceptance).isGreaterThan(0.95);
      }
    }
  }

  @Test
  void draftsThatAreNeverAcceptedLoseLessThanFivePercentOfTwoHundredTokens() {
    for (double cost : new double[] {0.05, 0.2, 0.4, 0.8, 1.5}) {
      for (int seed = 0; seed < 20; seed++) {
        Machine m = new Machine(0.02, each(cost), SEED + seed);
        m.slow = 0.1;
        m.run(200);
        assertThat(m.rate()).as("cost %.2f seed %d", cost, seed).isGreaterThan(0.95);
      }
    }
  }

  @Test
  void itComesCloseToTheBestFixedLength() {
    for (int batch : new int[] {1, 8}) {
      for (double cost : new double[] {0.05, 0.2, 0.4}) {
        for (double acceptance : new double[] {0.1, 0.5, 0.8, 0.95}) {
          double sum = 0;
          for (int seed = 0; seed < 20; seed++) {
            Machine m = new Machine(acceptance, each(cost), SEED + seed);
            m.batch = batch;
            m.slow = 0.1;
            sum += m.run(2_000).rate();
          }
          assertThat(sum / 20)
              .as("batch %d cost %.2f acceptance %.2f", batch, cost, acceptance)
              .isGreaterThan(0.95 * best(acceptance, each(cost)));
        }
      }
    }
  }

  @Test
  void aDearFirstDraftDoesNotHideThatTheNextAreCheap() {
    IntToDoubleFunction time = k -> k == 0 ? 1 : 1.8 + 0.05 * k;
    double sum = 0;
    for (int seed = 0; seed < 20; seed++) {
      sum += new Machine(0.95, time, SEED + seed).run(2_000).rate();
    }
    assertThat(sum / 20).isGreaterThan(0.93 * best(0.95, time));
  }

  @Test
  void aStationaryMachineSeesFewChanges() {
    for (double cost : new double[] {0.05, 0.2, 0.4, 0.8}) {
      for (double acceptance : new double[] {0.1, 0.3, 0.5, 0.7, 0.9}) {
        for (int seed = 0; seed < 10; seed++) {
          Machine m = new Machine(acceptance, each(cost), SEED + seed).run(1_000).reset();
          m.run(10_000);
          // In the long run, trials, refreshes and moves are at least 512 rounds apart: some 20 of
          // each, with two changes each. A few more come before the pauses have grown.
          assertThat(m.changes)
              .as("cost %.2f acceptance %.1f seed %d", cost, acceptance, seed)
              .isLessThan(160);
        }
      }
    }
  }

  @Test
  void roundsThatANeighbourSlowsDownDoNotMoveTheLength() {
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.95, each(0.05), SEED + seed);
      m.slow = 0.2;
      m.run(300).reset().run(3_000);
      assertThat(m.rounds[MOST])
          .as("seed %d %s", seed, Arrays.toString(m.rounds))
          .isGreaterThan(2_600);
      assertThat(m.changes).as("seed %d", seed).isLessThan(30);
    }
  }

  @Test
  void fallingAcceptanceTurnsDraftingOffAndRisingAcceptanceTurnsItOn() {
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.95, each(0.2), SEED + seed).run(400);
      m.acceptance = 0.05;
      m.run(60).reset().run(300);
      assertThat(m.rounds[0]).as("seed %d, fallen", seed).isGreaterThan(270);
      assertThat(m.rate()).as("seed %d, fallen", seed).isGreaterThan(0.95);
      m.acceptance = 0.95;
      m.run(600).reset().run(200);
      assertThat(m.rate()).as("seed %d, back", seed).isGreaterThan(0.9 * best(0.95, each(0.2)));
    }
  }

  @Test
  void draftsThatBecomeCheapAreNoticed() {
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.9, each(3), SEED + seed).run(500);
      assertThat(m.last).isZero();
      m.time = each(0.1);
      m.run(2_500).reset().run(200);
      assertThat(m.rate()).as("seed %d", seed).isGreaterThan(0.9 * best(0.9, each(0.1)));
    }
  }

  @Test
  void bandsOfBatchSizesLearnAlone() {
    AdaptiveLength length = new AdaptiveLength(MOST);
    Machine small = new Machine(length, SEED);
    small.acceptance = 0.95;
    small.time = each(0.05);
    Machine large = new Machine(length, SEED);
    large.batch = 16;
    large.acceptance = 0.1;
    large.time = each(0.8);
    for (int i = 0; i < 300; i++) {
      small.run(1);
      large.run(1);
    }
    small.reset().run(50);
    large.reset().run(50);
    assertThat(small.rounds[MOST]).isEqualTo(50);
    assertThat(large.rounds[0]).isGreaterThan(40);
    assertThat(length.next(9)).as("9 to 16 share a band").isEqualTo(length.next(16));
    assertThat(length.next(17)).as("17 to 32 begin at 0").isZero();
    assertThat(length.next(1)).isEqualTo(MOST);
  }

  @Test
  void roundsWithPromptRowsTeachAcceptanceButNoTime() {
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.95, each(0.05), SEED + seed).run(60);
      m.prefill = true;
      m.run(300);
      m.prefill = false;
      assertThat(m.last).as("seed %d: 20 times the time changed nothing", seed).isEqualTo(MOST);
      m.prefill = true;
      m.acceptance = 0;
      m.run(150).reset().run(100);
      assertThat(m.rounds[MOST]).as("seed %d: no acceptance did", seed).isZero();
    }
  }

  @Test
  void roundsWithoutDraftsDoNotCountAsFastRoundsWithDrafts() {
    // Drafts cost too much: a round with drafts takes 6 times as long, but few rounds have any.
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.8, each(1), SEED + seed);
      m.found = 0.3;
      m.run(300).reset().run(500);
      assertThat(m.rounds[0]).as("seed %d: %s", seed, Arrays.toString(m.rounds)).isGreaterThan(430);
    }
  }

  @Test
  void draftsThatAreSeldomFoundButGoodAreKept() {
    for (int seed = 0; seed < 20; seed++) {
      Machine m = new Machine(0.95, each(0.1), SEED + seed);
      m.found = 0.2;
      m.run(500).reset().run(500);
      assertThat(m.rounds[0]).as("seed %d: %s", seed, Arrays.toString(m.rounds)).isLessThan(100);
    }
  }

  @Test
  void lengthsStayBetweenZeroAndMostWhateverIsObserved() {
    Random random = new Random(SEED);
    AdaptiveLength length = new AdaptiveLength(3);
    for (int i = 0; i < 20_000; i++) {
      int batch = 1 + random.nextInt(40);
      int k = length.next(batch);
      assertThat(k).isBetween(0, 3);
      int[] drafted = new int[3];
      int[] accepted = new int[3];
      int left = batch;
      for (int j = 0; j < k; j++) {
        left = random.nextInt(left + 1);
        drafted[j] = left;
        accepted[j] = random.nextInt(Math.min(left, j == 0 ? left : accepted[j - 1]) + 1);
      }
      int said = random.nextInt(10) == 0 ? 3 : k; // planned before the last move
      length.observe(
          new Round(batch, said, drafted, accepted, random.nextBoolean(), random.nextInt(1_000)));
    }
  }

  @Test
  void aBatchAboveTheLimitDraftsNothingAndStillTeaches() {
    int[] observed = new int[1];
    DraftLength inner =
        new DraftLength() {
          @Override
          public int next(int batch) {
            return 4;
          }

          @Override
          public int most() {
            return 4;
          }

          @Override
          public void observe(Round round) {
            observed[0]++;
          }
        };
    OffAbove off = new OffAbove(8, inner);
    assertThat(off.next(8)).isEqualTo(4);
    assertThat(off.next(9)).isZero();
    assertThat(off.most()).isEqualTo(4);
    off.observe(new Round(9, 0, new int[4], new int[4], false, 1));
    assertThat(observed[0]).isOne();
  }
}
