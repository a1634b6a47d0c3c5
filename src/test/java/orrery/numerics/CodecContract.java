package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The tests that every 16-bit floating-point codec must pass; each codec has a subclass. The oracle
 * never uses the codec's own arithmetic: it decodes a code from its fields in double, and it finds
 * the nearest code by a search among those values.
 */
abstract class CodecContract {
  private static final int CODES = 1 << 16;
  private static final int SIGN = 0x8000;

  abstract float decode(short code);

  abstract short encode(float value);

  abstract int exponentBits();

  private int mantissaBits() {
    return 15 - exponentBits();
  }

  private int infinity() {
    return (1 << exponentBits()) - 1 << mantissaBits();
  }

  /** The value of a non-negative, non-NaN code by the textbook formula. */
  private double valueOf(int code) {
    int bias = (1 << exponentBits() - 1) - 1;
    int exponent = code >> mantissaBits();
    double fraction = (code & (1 << mantissaBits()) - 1) / (double) (1 << mantissaBits());
    if (code == infinity()) {
      return Double.POSITIVE_INFINITY;
    }
    return exponent == 0
        ? Math.scalb(fraction, 1 - bias)
        : Math.scalb(1 + fraction, exponent - bias);
  }

  /** The code nearest to a non-negative value, the one below or the one above; ties go to even. */
  private int nearest(double value) {
    int low = 0;
    int high = infinity();
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (valueOf(middle) <= value) {
        low = middle;
      } else {
        high = middle;
      }
    }
    // For rounding, infinity counts as one step beyond the largest finite value.
    double above = high == infinity() ? 2 * valueOf(high - 1) - valueOf(high - 2) : valueOf(high);
    double toLow = value - valueOf(low);
    double toHigh = above - value;
    return toLow < toHigh || (toLow == toHigh && (low & 1) == 0) ? low : high;
  }

  private static boolean sameBits(float a, double b) {
    return Float.floatToIntBits(a) == Float.floatToIntBits((float) b);
  }

  @Test
  void everyCodeDecodesToTheValueOfItsFields() {
    for (int code = 0; code <= infinity(); code++) {
      assertThat(sameBits(decode((short) code), valueOf(code))).as("code %x", code).isTrue();
      assertThat(sameBits(decode((short) (code | SIGN)), -valueOf(code)))
          .as("code %x", code | SIGN)
          .isTrue();
    }
    for (int code = infinity() + 1; code < SIGN; code++) {
      assertThat(decode((short) code)).as("code %x", code).isNaN();
      assertThat(decode((short) (code | SIGN))).as("code %x", code | SIGN).isNaN();
    }
  }

  @Test
  void allCodesComeBackUnchangedAndNansComeBackQuiet() {
    int quiet = 1 << mantissaBits() - 1;
    for (int code = 0; code < CODES; code++) {
      int back = encode(decode((short) code)) & 0xFFFF;
      boolean nan = (code & ~SIGN) > infinity();
      assertThat(back).as("code %x", code).isEqualTo(nan ? code | quiet : code);
    }
  }

  @Test
  void everyTieGoesToTheEvenCodeAndItsNeighboursGoToTheNearerOne() {
    for (int code = 0; code < infinity() - 1; code++) {
      // Exact in float32: one bit more than either neighbour.
      float tie = (float) ((valueOf(code) + valueOf(code + 1)) / 2);
      int even = (code & 1) == 0 ? code : code + 1;
      assertThat(encode(tie)).as("tie above %x", code).isEqualTo((short) even);
      assertThat(encode(-tie)).as("tie below -%x", code).isEqualTo((short) (even | SIGN));
      assertThat(encode(Math.nextDown(tie))).as("below tie above %x", code).isEqualTo((short) code);
      assertThat(encode(Math.nextUp(tie)))
          .as("above tie above %x", code)
          .isEqualTo((short) (code + 1));
    }
  }

  @Test
  void theLargestFiniteValueStaysAndHalfAStepBeyondItIsInfinite() {
    double largest = valueOf(infinity() - 1);
    float overflow = (float) (largest + (largest - valueOf(infinity() - 2)) / 2);
    assertThat(encode((float) largest)).isEqualTo((short) (infinity() - 1));
    assertThat(encode(Math.nextDown(overflow))).isEqualTo((short) (infinity() - 1));
    assertThat(encode(overflow)).isEqualTo((short) infinity());
    assertThat(encode(-overflow)).isEqualTo((short) (infinity() | SIGN));
    assertThat(encode(Float.MAX_VALUE)).isEqualTo((short) infinity());
    assertThat(encode(Float.POSITIVE_INFINITY)).isEqualTo((short) infinity());
    assertThat(encode(Float.NEGATIVE_INFINITY)).isEqualTo((short) (infinity() | SIGN));
  }

  @Test
  void bothZerosAndTheSmallestFloatsKeepTheirSign() {
    assertThat(encode(0f)).isEqualTo((short) 0);
    assertThat(encode(-0f)).isEqualTo((short) SIGN);
    assertThat(encode(Float.MIN_VALUE)).isEqualTo((short) 0);
    assertThat(encode(-Float.MIN_VALUE)).isEqualTo((short) SIGN);
    assertThat(Float.floatToRawIntBits(decode((short) SIGN))).isEqualTo(0x8000_0000);
  }

  @Test
  void noNanPayloadEverTurnsIntoAnInfinity() {
    for (int bit = 0; bit < 23; bit++) {
      for (int sign : new int[] {0, 0x8000_0000}) {
        float nan = Float.intBitsToFloat(sign | 0x7F80_0000 | 1 << bit);
        assertThat(decode(encode(nan))).as("payload bit %d", bit).isNaN();
      }
    }
  }

  @Test
  void aMillionRandomFloatsEncodeToTheNearestCode() {
    long seed = 20_260_104L;
    System.out.println(getClass().getSimpleName() + " seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1_000_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (Float.isNaN(value)) {
        continue;
      }
      int sign = value < 0 ? SIGN : 0;
      int expected = nearest(Math.abs((double) value)) | sign;
      if (encode(value) != (short) expected) {
        assertThat(encode(value)).as("%a", value).isEqualTo((short) expected);
      }
    }
  }

  @Test
  void encodingIsMonotoneOverTheWholeLine() {
    int previous = Integer.MIN_VALUE;
    // Every 4099th float in value order (a prime step, so that all low bits are met).
    for (long key = Integer.MIN_VALUE; key <= Integer.MAX_VALUE; key += 4099) {
      int bits = (int) key ^ (int) key >> 31 & 0x7FFF_FFFF; // value order to IEEE bits
      float value = Float.intBitsToFloat(bits);
      if (Float.isNaN(value)) {
        continue;
      }
      int rank = rank(encode(value) & 0xFFFF);
      if (rank < previous) {
        assertThat(rank).as("%a", value).isGreaterThanOrEqualTo(previous);
      }
      previous = rank;
    }
    assertThat(previous).isEqualTo(infinity());
  }

  private static int rank(int code) {
    return (code & SIGN) == 0 ? code : -(code & ~SIGN);
  }

  /** Two bugs of other engines: signs lost at extreme values, and block lengths left untested. */
  @Test
  void blocksOfOddLengthsThatAreAllNegativeOrAllZeroOrAllNanComeBackAsTheyWere() {
    float lowest = (float) -valueOf(infinity() - 1);
    for (int length : new int[] {1, 7, 15, 16, 17, 31, 33}) {
      for (float fill : new float[] {-1, lowest, (float) -valueOf(1), 0f, -0f, Float.NaN}) {
        float[] block = new float[length]; // [length]
        Arrays.fill(block, fill);
        for (int i = 0; i < length; i++) {
          block[i] = decode(encode(block[i]));
        }
        for (float value : block) {
          assertThat(sameBits(value, fill)).as("%a in a block of %d", fill, length).isTrue();
        }
      }
    }
  }
}
