package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Fp16Test extends CodecContract {
  @Override
  float decode(short code) {
    return Fp16.decode(code);
  }

  @Override
  short encode(float value) {
    return Fp16.encode(value);
  }

  @Override
  int exponentBits() {
    return 5;
  }

  /** The JDK has its own binary16 since 20: an oracle that shares no line with ours. */
  @Test
  void theJdkConvertsEveryCodeAndEvery509thFloatTheSameWay() {
    for (int code = 0; code < 1 << 16; code++) {
      assertThat(Float.floatToIntBits(Fp16.decode((short) code)))
          .isEqualTo(Float.floatToIntBits(Float.float16ToFloat((short) code)));
    }
    for (long bits = Integer.MIN_VALUE; bits <= Integer.MAX_VALUE; bits += 509) {
      float value = Float.intBitsToFloat((int) bits);
      if (!Float.isNaN(value) && Fp16.encode(value) != Float.floatToFloat16(value)) {
        assertThat(Fp16.encode(value)).as("%a", value).isEqualTo(Float.floatToFloat16(value));
      }
    }
  }
}
