package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Fp8E4M3Test extends FewBitsContract {
  @Override
  String name() {
    return "e4m3";
  }

  @Override
  float decode(int code) {
    return Fp8E4M3.decode(code);
  }

  @Override
  int encode(float value) {
    return Fp8E4M3.encode(value);
  }

  @Override
  int bits() {
    return 8;
  }

  @Override
  int exponentBits() {
    return 4;
  }

  @Override
  int maxCode() {
    return 0x7E;
  }

  @Override
  float max() {
    return Fp8E4M3.MAX;
  }

  @Override
  float[] beyondMax() {
    return new float[] {Float.NaN};
  }

  @Test
  void noNanPayloadEverTurnsIntoANumber() {
    for (float nan : nans()) {
      assertThat(decode(encode(nan))).as("%x", Float.floatToRawIntBits(nan)).isNaN();
    }
  }
}
