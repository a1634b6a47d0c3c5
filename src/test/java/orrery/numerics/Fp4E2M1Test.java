package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class Fp4E2M1Test extends FewBitsContract {
  @Override
  String name() {
    return "e2m1";
  }

  @Override
  float decode(int code) {
    return Fp4E2M1.decode(code);
  }

  @Override
  int encode(float value) {
    return Fp4E2M1.encode(value);
  }

  @Override
  int bits() {
    return 4;
  }

  @Override
  int exponentBits() {
    return 2;
  }

  @Override
  int maxCode() {
    return 0x7;
  }

  @Override
  float max() {
    return Fp4E2M1.MAX;
  }

  @Override
  float[] beyondMax() {
    return new float[] {};
  }

  @Test
  void noCodeStandsForNan() {
    for (float nan : nans()) {
      assertThatThrownBy(() -> encode(nan)).hasMessage("FP4 has no code for NaN");
    }
  }
}
