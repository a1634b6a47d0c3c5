package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class E8m0Test {
  private static boolean sameBits(float a, float b) {
    return Float.floatToIntBits(a) == Float.floatToIntBits(b);
  }

  @Test
  void everyCodeIsAPowerOfTwoButTheLastWhichIsNan() {
    float[] table = CodePoints.floats("decode.e8m0"); // [256]
    for (int code = 0; code < 255; code++) {
      assertThat(E8m0.decode(code)).isEqualTo((float) Math.scalb(1.0, code - 127));
      assertThat(E8m0.decode((byte) code)).isEqualTo(E8m0.decode(code));
      assertThat(sameBits(E8m0.decode(code), table[code])).as("code %x", code).isTrue();
    }
    assertThat(E8m0.decode(E8m0.NAN)).isNaN();
    assertThat(table[E8m0.NAN]).isNaN();
    assertThat(E8m0.decode(254)).isEqualTo(E8m0.MAX);
  }

  @Test
  void everyInputOfTheReferenceRoundsDownUpAndToTheNearestAsThere() {
    float[] inputs = CodePoints.floats("encode.e8m0.input"); // [4000]
    byte[] floor = CodePoints.bytes("encode.e8m0.floor"); // [4000]
    byte[] ceil = CodePoints.bytes("encode.e8m0.ceil"); // [4000]
    byte[] nearest = CodePoints.bytes("encode.e8m0.rne"); // [4000]
    assertThat(inputs).hasSize(4_000);
    for (int i = 0; i < inputs.length; i++) {
      float value = inputs[i];
      assertThat(E8m0.floor(value)).as("floor of %a", value).isEqualTo(floor[i] & 0xFF);
      assertThat(E8m0.ceil(value)).as("ceil of %a", value).isEqualTo(ceil[i] & 0xFF);
      assertThat(E8m0.nearest(value)).as("nearest of %a", value).isEqualTo(nearest[i] & 0xFF);
    }
  }

  @Test
  void powersOfTwoComeBackUnchangedAndTheirNeighboursRoundAsTheNameSays() {
    for (int code = 0; code < 255; code++) {
      float power = E8m0.decode(code);
      assertThat(E8m0.floor(power)).isEqualTo(code);
      assertThat(E8m0.ceil(power)).isEqualTo(code);
      assertThat(E8m0.nearest(power)).isEqualTo(code);
      assertThat(E8m0.floor(Math.nextUp(power))).isEqualTo(code);
      assertThat(E8m0.ceil(Math.nextUp(power))).isEqualTo(Math.min(code + 1, 254));
      assertThat(E8m0.floor(Math.nextDown(power))).isEqualTo(Math.max(code - 1, 0));
      assertThat(E8m0.ceil(Math.nextDown(power))).isEqualTo(code);
    }
  }

  @Test
  void theMiddleOfTwoPowersGoesUp() {
    for (int code = 0; code < 254; code++) {
      float middle = (float) (1.5 * Math.scalb(1.0, code - 127));
      assertThat(E8m0.nearest(middle)).as("%a", middle).isEqualTo(code + 1);
      assertThat(E8m0.nearest(Math.nextDown(middle))).as("below %a", middle).isEqualTo(code);
    }
  }

  @Test
  void whatNoCodeReachesTakesTheNearestEnd() {
    for (float small : new float[] {0f, -0f, Float.MIN_VALUE, 0x1p-128f}) {
      assertThat(E8m0.floor(small)).isZero();
      assertThat(E8m0.ceil(small)).isZero();
      assertThat(E8m0.nearest(small)).isZero();
    }
    assertThat(E8m0.floor(Float.MAX_VALUE)).isEqualTo(254);
    assertThat(E8m0.ceil(Float.MAX_VALUE)).isEqualTo(254);
    assertThat(E8m0.nearest(Float.MAX_VALUE)).isEqualTo(254);
  }

  @Test
  void whatIsNoScaleBecomesNan() {
    float[] none = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -1f, -Float.MIN_VALUE
    };
    for (float value : none) {
      assertThat(E8m0.floor(value)).as("%a", value).isEqualTo(E8m0.NAN);
      assertThat(E8m0.ceil(value)).as("%a", value).isEqualTo(E8m0.NAN);
      assertThat(E8m0.nearest(value)).as("%a", value).isEqualTo(E8m0.NAN);
    }
  }

  @Test
  void aMillionRandomFloatsLieBetweenTheirFloorAndTheirCeil() {
    long seed = 20_260_802L;
    System.out.println("E8m0Test seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1_000_000; i++) {
      double value = Float.intBitsToFloat(random.nextInt() & Integer.MAX_VALUE);
      if (!(value >= 0x1p-127 && value <= 0x1p127)) {
        continue;
      }
      int floor = E8m0.floor((float) value);
      int ceil = E8m0.ceil((float) value);
      double below = Math.scalb(1.0, floor - 127);
      double above = Math.scalb(1.0, ceil - 127);
      int nearer = value - below < above - value ? floor : ceil;
      boolean holds =
          below <= value
              && value <= above
              && ceil - floor == (below == value ? 0 : 1)
              && E8m0.nearest((float) value) == nearer;
      if (!holds) {
        assertThat(holds).as("%a: floor %x, ceil %x", value, floor, ceil).isTrue();
      }
    }
  }

  @Test
  void everyFp4CodeTimesEveryScaleHasTheBitsThatOtherProgramsGiveIt() {
    float[] product = CodePoints.floats("mxfp4.product"); // [256][16]
    for (int scale = 0; scale < 256; scale++) {
      for (int code = 0; code < 16; code++) {
        float weight = Fp4E2M1.decode(code) * E8m0.decode(scale);
        assertThat(sameBits(weight, product[scale * 16 + code]))
            .as("code %x, scale %x: %a", code, scale, weight)
            .isTrue();
      }
    }
  }

  /** As gpt-oss stores its experts: two codes a byte, the even column in the low half. */
  @Test
  void packedBlocksOfFp4DecodeToTheWeightsThatOtherProgramsGiveThem() {
    byte[] packed = CodePoints.bytes("gptoss.blocks"); // [2][6][3][16]
    byte[] scales = CodePoints.bytes("gptoss.scales"); // [2][6][3]
    float[] weights = CodePoints.floats("gptoss.weight"); // [2][6][96]
    for (int i = 0; i < weights.length; i++) {
      int code = packed[i / 2] >>> i % 2 * 4;
      float weight = Fp4E2M1.decode(code) * E8m0.decode(scales[i / 32]);
      assertThat(sameBits(weight, weights[i])).as("weight %d: %a", i, weight).isTrue();
    }
  }
}
