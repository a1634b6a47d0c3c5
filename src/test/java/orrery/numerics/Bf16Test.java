package orrery.numerics;

class Bf16Test extends CodecContract {
  @Override
  float decode(short code) {
    return Bf16.decode(code);
  }

  @Override
  short encode(float value) {
    return Bf16.encode(value);
  }

  @Override
  int exponentBits() {
    return 8;
  }
}
