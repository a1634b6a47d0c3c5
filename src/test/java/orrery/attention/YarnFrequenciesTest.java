package orrery.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class YarnFrequenciesTest {
  /** The numbers of DeepSeek-V4: the ramp goes from pair 15 to pair 25 of 32. */
  @Test
  void fastPairsKeepTheirSpeedAndSlowOnesAreSlowedDownByTheWholeFactor() {
    float[] plain = RopeTable.inverseFrequencies(64, 160_000);
    float[] yarn = new YarnFrequencies(16, 65_536, 32, 1).inverseFrequencies(64, 160_000);
    assertThat(yarn).hasSize(32);
    for (int i = 0; i < 32; i++) {
      double ramp = Math.clamp((i - 15) / 10.0, 0, 1);
      double expected = plain[i] * (ramp / 16 + 1 - ramp);
      assertThat(yarn[i]).isCloseTo((float) expected, Offset.offset(plain[i] * 3e-7f));
      assertThat(yarn[i] == plain[i]).as("pair %d keeps its speed", i).isEqualTo(i <= 15);
      assertThat(yarn[i] == plain[i] / 16).as("pair %d is slow", i).isEqualTo(i >= 25);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "4, 64, 32, 1, 8, 160000",
    "4, 64, 32, 1, 2, 10000",
    "2, 16, 2, 2, 16, 100",
    "1, 8, 9, 3, 6, 50"
  })
  void smallModelsGetTheFormulaToo(
      double factor, int original, double fast, double slow, int dim, double theta) {
    float[] yarn = new YarnFrequencies(factor, original, fast, slow).inverseFrequencies(dim, theta);
    double[] pair = new double[2]; // of fast and of slow
    for (int j = 0; j < 2; j++) {
      double turns = j == 0 ? fast : slow;
      pair[j] = dim * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
    double low = Math.max(0, Math.floor(pair[0]));
    double high = Math.min(dim - 1, Math.ceil(pair[1]));
    for (int i = 0; i < dim / 2; i++) {
      double ramp = Math.clamp((i - low) / (high == low ? 0.001 : high - low), 0, 1);
      double plain = Math.pow(theta, -2.0 * i / dim);
      assertThat(yarn[i])
          .isCloseTo(
              (float) (plain / factor * ramp + plain * (1 - ramp)),
              Offset.offset((float) plain * 1e-6f));
    }
  }

  @Test
  void aConjugateTurnsBackWhatATableTurns() {
    RopeTable table = RopeTable.of(9, RopeTable.inverseFrequencies(6, 100), true);
    LatentRope both = LatentRope.of(table);
    float[] x = {1, -2, 3, 4, -5, 6};
    float[] y = x.clone();
    var kernels = new orrery.kernels.ScalarKernels();
    kernels.rope(y, 0, both.turn().cos(), both.turn().sin(), 24, 3, true);
    assertThat(y).isNotEqualTo(x);
    kernels.rope(y, 0, both.back().cos(), both.back().sin(), 24, 3, true);
    for (int i = 0; i < x.length; i++) {
      assertThat(y[i]).isCloseTo(x[i], Offset.offset(1e-6f));
    }
    assertThat(both.back().cos()).isSameAs(both.turn().cos());
  }

  @Test
  void numbersThatMakeNoSenseAreRefusedByName() {
    refused(() -> new YarnFrequencies(0.5, 64, 32, 1), "factor", "at least 1", "0.5");
    refused(
        () -> new YarnFrequencies(4, 0, 32, 1), "original_max_position_embeddings", "at least 1");
    refused(() -> new YarnFrequencies(4, 64, 32, 0), "beta_slow", "more than 0");
    refused(() -> new YarnFrequencies(4, 64, 1, 2), "beta_fast", "at least beta_slow 2", "1");
  }

  private static void refused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable make, String... named) {
    assertThatThrownBy(make)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(named);
  }
}
