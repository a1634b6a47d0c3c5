package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ElementaryTest {
  /** Walks floats of both signs with an odd stride, so that all mantissa endings occur. */
  private static final int STRIDE = 1_237;

  private interface Check {
    void accept(float x);
  }

  private static void everyFloatUpTo(float limit, Check check) {
    for (int bits = 0; bits <= Float.floatToRawIntBits(limit); bits += STRIDE) {
      check.accept(Float.intBitsToFloat(bits));
      check.accept(-Float.intBitsToFloat(bits));
    }
  }

  private static double ulps(float actual, double exact) {
    return Math.abs(actual - exact) / Math.ulp((float) exact);
  }

  @Test
  void expIsWithinItsStatedError() {
    everyFloatUpTo(
        87f,
        x ->
            assertThat(ulps(Elementary.exp(x), StrictMath.exp(x)))
                .as("exp(%s)", x)
                .isLessThan(1.02));
  }

  @Test
  void expNeverDecreases() {
    float previous = 0;
    for (int bits = Float.floatToRawIntBits(105f); bits >= 0; bits -= STRIDE) {
      float e = Elementary.exp(-Float.intBitsToFloat(bits));
      assertThat(e).isGreaterThanOrEqualTo(previous);
      previous = e;
    }
    for (int bits = 0; bits <= Float.floatToRawIntBits(89f); bits += STRIDE) {
      float e = Elementary.exp(Float.intBitsToFloat(bits));
      assertThat(e).isGreaterThanOrEqualTo(previous);
      previous = e;
    }
  }

  @Test
  void expOfTheEndsIsExact() {
    assertThat(Elementary.exp(0f)).isEqualTo(1f);
    assertThat(Elementary.exp(-0f)).isEqualTo(1f);
    assertThat(Elementary.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(Elementary.exp(-104f)).as("masked scores must add nothing").isEqualTo(0f);
    assertThat(Elementary.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Elementary.exp(Float.NaN)).isNaN();
  }

  @Test
  void sigmoidAndSiluAreWithinTheirStatedError() {
    everyFloatUpTo(
        80f,
        x -> {
          double sigmoid = 1 / (1 + StrictMath.exp(-(double) x));
          assertThat(ulps(Elementary.sigmoid(x), sigmoid)).as("sigmoid(%s)", x).isLessThan(2.5);
          if (Math.abs(x * sigmoid) >= Float.MIN_NORMAL) {
            assertThat(ulps(Elementary.silu(x), x * sigmoid)).as("silu(%s)", x).isLessThan(2.5);
          }
        });
  }

  @Test
  void softplusIsWithinItsStatedError() {
    everyFloatUpTo(
        200f,
        x -> {
          double exact = Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs((double) x)));
          if (exact >= Float.MIN_NORMAL) {
            assertThat(ulps(Elementary.softplus(x), exact)).as("softplus(%s)", x).isLessThan(1.9);
          } else {
            assertThat(Elementary.softplus(x)).as("softplus(%s)", x).isBetween(0f, 0x1p-126f);
          }
        });
  }

  @Test
  void log1pIsWithinItsStatedError() {
    for (int bits = 0; bits <= Float.floatToRawIntBits(1f); bits += STRIDE) {
      float t = Float.intBitsToFloat(bits);
      assertThat(ulps(Elementary.log1p(t), StrictMath.log1p(t))).as("log1p(%s)", t).isLessThan(1.1);
    }
    assertThat(Elementary.log1p(Float.MIN_VALUE)).isEqualTo(Float.MIN_VALUE);
    assertThat(Elementary.log1p(Float.NaN)).isNaN();
  }

  @Test
  void softplusOfTheEndsIsExact() {
    assertThat(Elementary.softplus(0f)).isEqualTo((float) StrictMath.log(2));
    assertThat(Elementary.softplus(-0f)).isEqualTo(Elementary.softplus(0f));
    assertThat(Elementary.softplus(20f)).as("as softplus of PyTorch beyond 20").isEqualTo(20f);
    assertThat(Elementary.softplus(-104f)).isEqualTo(0f);
    assertThat(Elementary.softplus(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(Elementary.softplus(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Elementary.softplus(Float.NaN)).isNaN();
  }

  @Test
  void theTreeFoldsHalves() {
    float[] partial = new float[16];
    for (int i = 0; i < 16; i++) {
      partial[i] = 1 << i;
    }
    assertThat(Sum16.fold(partial)).isEqualTo(65535f);
    float[] order = {1e8f, 0, 0, 0, 0, 0, 0, 0, -1e8f, 1, 0, 0, 0, 0, 0, 0};
    assertThat(Sum16.fold(order)).as("element 8 meets element 0 first").isEqualTo(1f);
  }
}
