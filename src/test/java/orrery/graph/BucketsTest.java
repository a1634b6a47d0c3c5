package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BucketsTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8, 100, 512, 1000})
  void everyRowCountUsesTheSmallestPowerOfTwoThatHoldsItOrTheMaximum(int maxRows) {
    Buckets<Integer> buckets = new Buckets<>(maxRows, rows -> rows);
    for (int rows = 1; rows <= maxRows; rows++) {
      int power = 1;
      while (power < rows) {
        power *= 2;
      }
      assertThat(buckets.size(rows)).as("bucket of %d", rows).isEqualTo(Math.min(power, maxRows));
      assertThat(buckets.get(rows)).isEqualTo(buckets.size(rows));
    }
  }

  @Test
  void whatABucketNeedsIsMadeOnceAndOnlyWhenNeeded() {
    List<Integer> made = new ArrayList<>();
    Buckets<Object> buckets =
        new Buckets<>(
            20,
            rows -> {
              made.add(rows);
              return new Object();
            });
    assertThat(made).isEmpty();
    Object three = buckets.get(3);
    assertThat(buckets.get(4)).isSameAs(three);
    assertThat(buckets.get(2)).isNotSameAs(three);
    assertThat(buckets.get(17)).isSameAs(buckets.get(20));
    assertThat(made).containsExactly(4, 2, 20);
  }

  @Test
  void rowCountsOutsideTheRangeAreNamed() {
    Buckets<Integer> buckets = new Buckets<>(6, rows -> rows);
    assertThatThrownBy(() -> buckets.get(0)).hasMessage("rows: expected 1 to 6, found 0");
    assertThatThrownBy(() -> buckets.get(7)).hasMessage("rows: expected 1 to 6, found 7");
    assertThatThrownBy(() -> new Buckets<>(0, rows -> rows))
        .hasMessage("rows: expected at least 1, found 0");
  }
}
