package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Fp8E5M2Test extends FewBitsContract {
  @Override
  String name() {
    return "e5m2";
  }

  @Override
  float decode(int code) {
    return Fp8E5M2.decode(code);
  }

  @Override
  int encode(float value) {
    return Fp8E5M2.encode(value);
  }

  @Override
  int bits() {
    return 8;
  }

  @Override
  int exponentBits() {
    return 5;
  }

  @Override
  int maxCode() {
    return 0x7B;
  }

  @Override
  float max() {
    return Fp8E5M2.MAX;
  }

  @Override
  float[] beyondMax() {
    return new float[] {Float.POSITIVE_INFINITY, Float.NaN, Float.NaN, Float.NaN};
  }

  @Test
  void noNanPayloadEverTurnsIntoANumber() {
    for (float nan : nans()) {
      assertThat(decode(encode(nan))).as("%x", Float.floatToRawIntBits(nan)).isNaN();
    }
  }
}
