package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpreadTest {
  @Test
  void theSpreadOfASampleIsItsMedianAndQuartilesInAnyOrder() {
    assertThat(Spread.of(new double[] {5, 1, 3, 2, 4})).isEqualTo(new Spread(3, 2, 4));
    assertThat(Spread.of(new double[] {8, 0})).isEqualTo(new Spread(4, 2, 6));
  }

  @Test
  void theUpperBoundLiesAboveTheMedianByLessTheLargerTheSample() {
    double[] few = IntStream.range(0, 31).mapToDouble(i -> i / 30.0).toArray();
    double[] many = IntStream.range(0, 3001).mapToDouble(i -> i / 3000.0).toArray();
    // The median of n uniform numbers has a standard error of 1/(2 sqrt n); 1.645 of 0.09 are 0.15.
    assertThat(Spread.upperBound(few, 1)).isBetween(0.58, 0.72);
    assertThat(Spread.upperBound(many, 1)).isBetween(0.507, 0.523);
    assertThat(Spread.upperBound(new double[] {2, 2, 2}, 1)).isEqualTo(2);
  }

  @Test
  void oneInterruptedRunDoesNotMoveTheUpperBound() {
    double[] calm = IntStream.range(0, 30).mapToDouble(i -> 1 + i / 1000.0).toArray();
    double[] interrupted = calm.clone();
    interrupted[29] = 10;
    assertThat(Spread.upperBound(interrupted, 1)).isEqualTo(Spread.upperBound(calm, 1));
  }

  @Test
  void aQuantileOfNothingIsRefused() {
    assertThatThrownBy(() -> Spread.quantile(new double[0], 0.5))
        .hasMessageContaining("the run was too short");
  }

  @Test
  void answersAreLogNormalWithTheMeanAskedForAndNoneLongerThanAllowed() {
    List<Job> jobs = new Draw(7, 100).jobs(4000, 5, 9, 60, 400);
    double mean = jobs.stream().mapToInt(Job::length).average().orElseThrow();
    assertThat(mean).isBetween(53.0, 63.0); // cutting the tail at 400 takes about 3 off
    double[] sorted = jobs.stream().mapToDouble(Job::length).sorted().toArray();
    assertThat(Spread.quantile(sorted, 0.5)).isBetween(33.0, 40.0); // 60 / sqrt(e) = 36.4
    assertThat(sorted[sorted.length - 1]).isBetween(300.0, 400.0);
    assertThat(jobs).allSatisfy(j -> assertThat(j.prompt().length).isBetween(5, 9));
  }

  @Test
  void theSameSeedDrawsTheSameJobs() {
    int[] first = new Draw(3, 50).tokens(64);
    assertThat(new Draw(3, 50).tokens(64)).isEqualTo(first);
    assertThat(new Draw(4, 50).tokens(64)).isNotEqualTo(first);
  }

  @Test
  void ranksFollowZipfsLaw() {
    Draw draw = new Draw(1, 2);
    int[] counts = new int[4];
    for (int i = 0; i < 25_000; i++) {
      counts[draw.zipf(4)]++;
    }
    // 1/1 : 1/2 : 1/3 : 1/4 of 25/12
    assertThat(counts[0]).isBetween(11_700, 12_300);
    assertThat(counts[1]).isBetween(5_700, 6_300);
    assertThat(counts[3]).isBetween(2_750, 3_250);
  }
}
