package orrery.numerics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The tests that every number of 8 or 4 bits must pass; each has a subclass. There are two oracles.
 * One is a file of code points made by other programs. The other decodes a code from its fields in
 * double, and finds the nearest code by a search among those values.
 */
abstract class FewBitsContract {
  /** The name of the format in {@link CodePoints}. */
  abstract String name();

  abstract float decode(int code);

  abstract int encode(float value);

  abstract int bits();

  abstract int exponentBits();

  /** The code of the largest finite value. */
  abstract int maxCode();

  abstract float max();

  /** What the code {@code maxCode() + 1 + i} stands for. */
  abstract float[] beyondMax();

  private int mantissaBits() {
    return bits() - 1 - exponentBits();
  }

  private int sign() {
    return 1 << bits() - 1;
  }

  /** The value of a non-negative finite code by the textbook formula. */
  private double valueOf(int code) {
    int bias = (1 << exponentBits() - 1) - 1;
    int exponent = code >> mantissaBits();
    double fraction = (code & (1 << mantissaBits()) - 1) / (double) (1 << mantissaBits());
    return exponent == 0
        ? Math.scalb(fraction, 1 - bias)
        : Math.scalb(1 + fraction, exponent - bias);
  }

  /** The code nearest to a non-negative value; ties go to even. */
  private int nearest(double unbounded) {
    double value = Math.min(unbounded, valueOf(maxCode()));
    int best = 0;
    for (int code = 1; code <= maxCode(); code++) {
      double gain = Math.abs(valueOf(best) - value) - Math.abs(valueOf(code) - value);
      if (gain > 0 || gain == 0 && (code & 1) == 0) {
        best = code;
      }
    }
    return best;
  }

  private static boolean sameBits(float a, double b) {
    return Float.floatToIntBits(a) == Float.floatToIntBits((float) b);
  }

  @Test
  void everyCodeDecodesToTheValueOfItsFields() {
    for (int code = 0; code <= maxCode(); code++) {
      assertThat(sameBits(decode(code), valueOf(code))).as("code %x", code).isTrue();
      assertThat(sameBits(decode(code | sign()), -valueOf(code)))
          .as("code %x", code | sign())
          .isTrue();
    }
    assertThat(max()).isEqualTo((float) valueOf(maxCode()));
    float[] beyond = beyondMax();
    assertThat(maxCode() + 1 + beyond.length).isEqualTo(sign());
    for (int i = 0; i < beyond.length; i++) {
      int code = maxCode() + 1 + i;
      assertThat(sameBits(decode(code), beyond[i])).as("code %x", code).isTrue();
      assertThat(sameBits(decode(code | sign()), -beyond[i])).as("code -%x", code).isTrue();
    }
  }

  @Test
  void everyCodeDecodesToTheBitsThatOtherProgramsGiveIt() {
    float[] table = CodePoints.floats("decode." + name()); // [codes]
    assertThat(table).hasSize(1 << bits());
    for (int code = 0; code < table.length; code++) {
      assertThat(sameBits(decode(code), table[code])).as("code %x", code).isTrue();
    }
  }

  @Test
  void everyInputOfTheReferenceEncodesToItsCode() {
    float[] inputs = CodePoints.floats("encode." + name() + ".input"); // [4000]
    byte[] codes = CodePoints.bytes("encode." + name() + ".code"); // [4000]
    assertThat(inputs).hasSize(4_000).hasSameSizeAs(codes);
    for (int i = 0; i < inputs.length; i++) {
      assertThat(encode(inputs[i])).as("input %d, %a", i, inputs[i]).isEqualTo(codes[i] & 0xFF);
    }
  }

  @Test
  void aCodeReadFromASignedByteIsTheSameCode() {
    for (int code = 0; code < 1 << bits(); code++) {
      assertThat(sameBits(decode((byte) code), decode(code))).as("code %x", code).isTrue();
    }
  }

  @Test
  void allFiniteCodesComeBackUnchanged() {
    for (int code = 0; code <= maxCode(); code++) {
      assertThat(encode(decode(code))).isEqualTo(code);
      assertThat(encode(decode(code | sign()))).isEqualTo(code | sign());
    }
  }

  @Test
  void everyTieGoesToTheEvenCodeAndItsNeighboursGoToTheNearerOne() {
    for (int code = 0; code < maxCode(); code++) {
      float tie = (float) ((valueOf(code) + valueOf(code + 1)) / 2); // exact
      int even = (code & 1) == 0 ? code : code + 1;
      assertThat(encode(tie)).as("tie above %x", code).isEqualTo(even);
      assertThat(encode(-tie)).as("tie below -%x", code).isEqualTo(even | sign());
      assertThat(encode(Math.nextDown(tie))).as("below tie above %x", code).isEqualTo(code);
      assertThat(encode(Math.nextUp(tie))).as("above tie above %x", code).isEqualTo(code + 1);
    }
  }

  @Test
  void whatLiesBeyondTheLargestValueBecomesTheLargestValue() {
    float ulp = (float) (valueOf(maxCode()) - valueOf(maxCode() - 1));
    float[] beyond = {
      max(),
      Math.nextUp(max()),
      max() + ulp / 2,
      Math.nextUp(max() + ulp / 2),
      max() + ulp,
      2 * max(),
      1e30f,
      Float.MAX_VALUE,
      Float.POSITIVE_INFINITY
    };
    for (float value : beyond) {
      assertThat(encode(value)).as("%a", value).isEqualTo(maxCode());
      assertThat(encode(-value)).as("-%a", value).isEqualTo(maxCode() | sign());
    }
  }

  @Test
  void bothZerosAndTheSmallestFloatsKeepTheirSign() {
    for (float value : new float[] {0f, Float.MIN_VALUE, Float.MIN_NORMAL}) {
      assertThat(encode(value)).isZero();
      assertThat(encode(-value)).isEqualTo(sign());
    }
    assertThat(Float.floatToRawIntBits(decode(sign()))).isEqualTo(0x8000_0000);
  }

  @Test
  void allSubnormalsAreMultiplesOfTheLeastValueAndRoundToTheNearest() {
    float least = decode(1);
    for (int m = 0; m < 1 << mantissaBits(); m++) {
      assertThat(decode(m)).isEqualTo(m * least);
      assertThat(encode((m + 0.49f) * least)).isEqualTo(m);
      assertThat(encode((m + 0.51f) * least)).isEqualTo(m + 1);
    }
  }

  @Test
  void aMillionRandomFloatsEncodeToTheNearestCode() {
    long seed = 20_260_801L;
    System.out.println(getClass().getSimpleName() + " seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1_000_000; i++) {
      // Most floats are far beyond 8 bits, so half of the inputs are drawn around the codes.
      float value =
          i % 2 == 0
              ? Float.intBitsToFloat(random.nextInt())
              : (float) (valueOf(random.nextInt(maxCode() + 1)) * 2.2 * (random.nextFloat() - 0.5));
      if (Float.isNaN(value)) {
        continue;
      }
      int expected = nearest(Math.abs((double) value)) | (value < 0 ? sign() : 0);
      if (value != 0 && encode(value) != expected) {
        assertThat(encode(value)).as("%a", value).isEqualTo(expected);
      }
    }
  }

  @Test
  void encodingIsMonotoneOverTheWholeLine() {
    int previous = -maxCode();
    // Every 4099th float in value order (a prime step, so that all low bits are met).
    for (long key = Integer.MIN_VALUE; key <= Integer.MAX_VALUE; key += 4099) {
      int bits = (int) key ^ (int) key >> 31 & 0x7FFF_FFFF; // value order to IEEE bits
      float value = Float.intBitsToFloat(bits);
      if (Float.isNaN(value)) {
        continue;
      }
      int code = encode(value);
      int rank = (code & sign()) == 0 ? code : -(code & ~sign());
      if (rank < previous) {
        assertThat(rank).as("%a", value).isGreaterThanOrEqualTo(previous);
      }
      previous = rank;
    }
    assertThat(previous).isEqualTo(maxCode());
  }

  @Test
  void blocksOfOddLengthsThatAreAllNegativeOrAllZeroComeBackAsTheyWere() {
    for (int length : new int[] {1, 7, 15, 16, 17, 31, 33}) {
      for (float fill : new float[] {-1, -max(), -decode(1), 0f, -0f}) {
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

  /** Every NaN payload of one bit, with both signs. */
  static float[] nans() {
    float[] nans = new float[46]; // [46]
    for (int i = 0; i < nans.length; i++) {
      nans[i] = Float.intBitsToFloat(i % 2 << 31 | 0x7F80_0000 | 1 << i / 2);
    }
    return nans;
  }
}
