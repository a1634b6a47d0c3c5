package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GridTest {
  @Test
  void fewRowsAreCutByOutputsAlone() {
    assertThat(Grid.columns(1, 12, 8, 8)).isEqualTo(8);
    assertThat(Grid.columns(2, 12, 12, 12)).isEqualTo(12);
    assertThat(Grid.columns(3, 2, 8, 8)).isEqualTo(2);
  }

  @Test
  void manyRowsOfFewOutputsAreCutBothWaysSoThatNoThreadWaits() {
    assertThat(Grid.columns(32, 20, 8, 8)).isEqualTo(4);
    assertThat(Grid.columns(512, 12, 16, 16)).isEqualTo(2);
  }

  @Test
  void outputsThatSharesDivideEvenlyAreReadOnceEach() {
    assertThat(Grid.columns(512, 12, 2, 2)).isEqualTo(2);
    assertThat(Grid.columns(512, 128, 16, 16)).isEqualTo(16);
  }

  /** Five columns of three groups of rows would be 15, and one thread would wait for the others. */
  @Test
  void ofMoreSharesThanThreadsEachThreadGetsAsMany() {
    assertThat(Grid.columns(64, 20, 16, 4)).as("12 shares, 3 of each thread").isEqualTo(12);
  }

  /** The loop for many rows takes two panels at a time, that for four rows takes three. */
  @Test
  void aShareOfAnOddPanelTakesAsLongAsOneOfOnePanelMore() {
    assertThat(Grid.columns(512, 12, 4, 4)).as("not 3 panels each").isEqualTo(2);
    assertThat(Grid.balance(64, 9, 3)).isLessThan(Grid.balance(64, 12, 3));
    assertThat(Grid.balance(4, 9, 3)).isEqualTo(1);
  }

  /** Also if some shares are left over, which have nothing to do. */
  @Test
  void theSharesCoverEachRowOfEachOutputOnce() {
    for (int shares = 1; shares <= 17; shares++) {
      for (int units : new int[] {1, 2, 5, 12, 20, 33}) {
        for (int rows : new int[] {1, 2, 3, 7, 32, 100}) {
          int[] covered = new int[rows * units]; // [rows][units]
          int columns = Grid.columns(rows, units, shares, shares);
          for (int s = 0; s < shares; s++) {
            for (int r = Grid.firstRow(rows, s, columns, shares);
                r < Grid.lastRow(rows, s, columns, shares);
                r++) {
              for (int u = Grid.first(units, s, columns); u < Grid.last(units, s, columns); u++) {
                covered[r * units + u]++;
              }
            }
          }
          assertThat(covered).as("%d shares, %d rows", shares, rows).containsOnly(1);
        }
      }
    }
  }

  @Test
  void aCutThatKeepsAllThreadsBusyHasAHighBalance() {
    assertThat(Grid.balance(32, 16, 4)).isEqualTo(1);
    assertThat(Grid.balance(4, 12, 8)).isBetween(0.5, 0.6);
    assertThat(Grid.balance(512, 128, 16)).isEqualTo(1);
  }
}
