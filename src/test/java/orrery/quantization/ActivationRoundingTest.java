package orrery.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;

class ActivationRoundingTest {
  private static final List<ActivationRounding> ROUNDINGS =
      List.of(
          new ActivationRounding(128, false),
          new ActivationRounding(128, true),
          new ActivationRounding(32, true),
          new ActivationRounding(WeightFormat.WHOLE, false),
          new ActivationRounding(WeightFormat.WHOLE, true));

  private static float[] rounded(ActivationRounding rounding, float... x) {
    float[] y = new float[x.length];
    rounding.round(x, 0, x.length, y, 0);
    return y;
  }

  /** Random values of very different sizes. */
  private static float[] row(Random random, int n) {
    float[] x = new float[n]; // [n]
    for (int i = 0; i < n; i++) {
      x[i] = (float) (random.nextGaussian() * Math.exp(3 * random.nextGaussian()));
    }
    return x;
  }

  @Test
  void theLargestMagnitudeOfABlockBecomes448AndComesBack() {
    ActivationRounding exact = new ActivationRounding(4, false);
    float[] y = rounded(exact, 7, -1, 0.5f, 0, 70, 7, -3.5f, 0.01f);
    assertThat(y).startsWith(7, -1, 0.5f, 0); // the scale is 7 / 448 = 2^-6
    assertThat(y[4]).isEqualTo(70f);
    assertThat(y[5]).isEqualTo(Fp8E4M3.decode(Fp8E4M3.encode(7 / (70 / 448f))) * (70 / 448f));
  }

  @Test
  void aPowerOfTwoIsTheLeastThatLetsNothingSaturate() {
    ActivationRounding powers = new ActivationRounding(2, true);
    // 449 / 448 is a little more than 1, so the scale is 2: 449 becomes 224 · 2.
    assertThat(rounded(powers, 448, 17)).containsExactly(448, 17 - 1); // 17 is a tie: 16 is even
    assertThat(rounded(powers, 449, 17)).containsExactly(448, 16);
    assertThat(rounded(powers, 480, 0)).containsExactly(480, 0); // 240 · 2
  }

  @Test
  void blocksOfZerosStayZeroAndKeepTheirSigns() {
    for (ActivationRounding rounding : ROUNDINGS) {
      float[] y = rounded(rounding, 0f, -0f, 0f);
      assertThat(y).usingComparatorWithPrecision(0f).containsExactly(0f, -0f, 0f);
      assertThat(Float.floatToRawIntBits(y[1])).isEqualTo(0x8000_0000);
    }
  }

  @Test
  void oneOutlierCostsItsOwnBlockAlone() {
    float[] x = new float[256]; // [256]
    Arrays.fill(x, 0.01f);
    x[5] = 1_000;
    float[] y = rounded(new ActivationRounding(128, false), x);
    assertThat(y[5]).isEqualTo(1_000f);
    assertThat(y[6]).isEqualTo(2 * 0x1p-9f * (1_000 / 448f)); // 0.00448 is 2.3 units of 2^-9
  }

  @Test
  void aBlockWithANanOrAnInfinityIsNanAndItsNeighbourIsNot() {
    for (ActivationRounding rounding :
        List.of(new ActivationRounding(2, false), new ActivationRounding(2, true))) {
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
        float[] y = rounded(rounding, 1, bad, 1, 2, bad, 1);
        assertThat(y[0]).isNaN();
        assertThat(y[1]).isNaN();
        assertThat(y[2]).isEqualTo(1);
        assertThat(y[3]).isEqualTo(2);
        assertThat(y[4]).isNaN();
        assertThat(y[5]).isNaN();
      }
    }
  }

  @Test
  void everyValueIsWithinHalfAStepOfItsBlocksScale() {
    long seed = 1L;
    System.out.println("ActivationRoundingTest seed " + seed);
    Random random = new Random(seed);
    for (ActivationRounding rounding : ROUNDINGS) {
      for (int n : new int[] {1, 31, 32, 127, 128, 129, 300}) {
        float[] x = row(random, n);
        float[] y = rounded(rounding, x);
        for (int i = 0; i < n; i++) {
          int from = i / rounding.block() * rounding.block();
          double amax = 1e-4;
          for (int j = from; j < Math.min((long) from + rounding.block(), n); j++) {
            amax = Math.max(amax, Math.abs(x[j]));
          }
          // 4 significant bits; twice as coarse a subnormal step if the scale is a power of two.
          double least = amax / 448 * 0x1p-9 * (rounding.powerOfTwo() ? 2 : 1);
          double error = Math.max(Math.abs(x[i]) * 0x1.00001p-4, least / 2 * 1.00001);
          assertThat((double) Math.abs(y[i] - x[i]))
              .as("%s[%d] of %d", rounding, i, n)
              .isLessThan(error);
        }
      }
    }
  }

  @Test
  void withPowersOfTwoARoundedRowStaysAsItIs() {
    Random random = new Random(2);
    for (ActivationRounding rounding : ROUNDINGS) {
      if (rounding.powerOfTwo()) {
        float[] once = rounded(rounding, row(random, 300));
        assertThat(rounded(rounding, once)).containsExactly(once);
      }
    }
  }

  @Test
  void aRowMayBeRoundedInPlaceAndInTheMiddleOfAnArray() {
    for (ActivationRounding rounding : ROUNDINGS) {
      float[] x = row(new Random(3), 300);
      float[] y = rounded(rounding, Arrays.copyOfRange(x, 7, 207));
      float[] expected = x.clone();
      System.arraycopy(y, 0, expected, 7, 200);
      rounding.round(x, 7, 200, x, 7);
      assertThat(x).containsExactly(expected);
    }
  }

  @Test
  void noneChangesNothing() {
    float[] x = {1.1f, -0f, Float.NaN, Float.POSITIVE_INFINITY};
    assertThat(rounded(ActivationRounding.NONE, x)).containsExactly(x);
  }

  @Test
  void theLeastScaleKeepsAllValuesOfATinyBlockFinite() {
    float[] y = rounded(new ActivationRounding(2, true), 1e-40f, -1e-5f);
    assertThat(y).containsExactly(0, -40 * 0x1p-22f); // 41.9 · 2^-22, in steps of 4
    assertThat(E8m0.ceil(1e-4f / 448)).isEqualTo(127 - 22);
  }

  @Test
  void aBlockOfNegativeWidthIsRefused() {
    assertThatThrownBy(() -> new ActivationRounding(-1, false))
        .hasMessage("rounded input: blocks of -1 columns, powers of two: false");
    assertThatThrownBy(() -> new ActivationRounding(0, true))
        .hasMessage("rounded input: blocks of 0 columns, powers of two: true");
  }
}
