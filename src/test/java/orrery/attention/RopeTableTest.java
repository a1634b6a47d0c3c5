package orrery.attention;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RopeTableTest {
  @ParameterizedTest
  @CsvSource({"8, 10000", "2, 1000000", "6, 500", "64, 10000", "7, 10000", "1, 3"})
  void anglesAreThoseOfTheFormulaInDoublePrecisionUpToFloat32Rounding(int dim, double theta) {
    int positions = 3_000;
    RopeTable table = RopeTable.of(positions, dim, theta, false);
    assertThat(table.pairs()).isEqualTo((dim + 1) / 2);
    assertThat(table.positions()).isEqualTo(positions);
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < table.pairs(); i++) {
        double angle = p * Math.pow(theta, -2.0 * i / dim);
        // Exponent, power, its inverse and the angle are each rounded to float32.
        double tolerance = 1e-7 + angle * Math.ulp(1f) * (2 + Math.log(theta));
        int at = p * table.pairs() + i;
        if (Math.abs(table.cos()[at] - Math.cos(angle)) > tolerance
            || Math.abs(table.sin()[at] - Math.sin(angle)) > tolerance) {
          assertThat(new float[] {table.cos()[at], table.sin()[at]})
              .as("position %d, pair %d", p, i)
              .isEqualTo(new double[] {Math.cos(angle), Math.sin(angle)});
        }
      }
    }
  }

  @Test
  void positionZeroRotatesNothing() {
    RopeTable table = RopeTable.of(2, 10, 10_000, true);
    for (int i = 0; i < 5; i++) {
      assertThat(table.cos()[i]).isEqualTo(1f);
      assertThat(table.sin()[i]).isEqualTo(0f);
    }
    assertThat(table.interleaved()).isTrue();
  }

  @Test
  void aLongerTableStartsWithAShorterOne() {
    RopeTable small = RopeTable.of(5, 8, 10_000, false);
    RopeTable large = RopeTable.of(50, 8, 10_000, false);
    assertThat(large.cos()).startsWith(small.cos());
    assertThat(large.sin()).startsWith(small.sin());
  }
}
