package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeyedRandomTest {

  private static final int DRAWS = 200_000;
  private static final int CELLS = 256;

  @Test
  void theHashIsTheDocumentedOne() {
    // Three rounds of SplitMix64's finalizer, computed independently (Python, unbounded integers).
    assertThat(KeyedRandom.bits(0, 0, 0, 0)).isEqualTo(0x238275BC38FCBE91L);
    assertThat(KeyedRandom.bits(-1, 2, 3, 4)).isEqualTo(0xAA4640A65CDA7C03L);
    assertThat(KeyedRandom.bits(5, 2, 3, -4)).isEqualTo(0xAFB181A063EB6C3CL);
  }

  @Test
  void numbersAreFiftyThreeBitFractionsBelowOne() {
    for (int position = 0; position < DRAWS; position++) {
      double u = KeyedRandom.uniform(1, 0, position, 0);
      assertThat(u).isBetween(0.0, Math.nextDown(1.0));
      assertThat(u * 0x1p53).isEqualTo(Math.rint(u * 0x1p53));
    }
  }

  @Test
  void numbersAreUniformAlongEveryPartOfTheKey() {
    uniform("position", IntStream.range(0, DRAWS).mapToDouble(i -> u(42, 0, i, 0)).toArray());
    uniform("choice", IntStream.range(0, DRAWS).mapToDouble(i -> u(42, i, 7, 0)).toArray());
    uniform("stream", IntStream.range(0, DRAWS).mapToDouble(i -> u(42, 0, 7, i)).toArray());
    uniform("seed", IntStream.range(0, DRAWS).mapToDouble(i -> u(i, 0, 7, 0)).toArray());
    uniform(
        "high half of the seed",
        IntStream.range(0, DRAWS).mapToDouble(i -> u((long) i << 32, 0, 7, 0)).toArray());
  }

  @Test
  void theNumbersOfOneKeyAreUniformAndIndependent() {
    long key = KeyedRandom.bits(42, 0, 7, 0);
    double[] numbers =
        IntStream.range(0, DRAWS).mapToDouble(i -> KeyedRandom.uniform(key, i)).toArray();
    uniform("index", numbers);
    long[] counts = new long[CELLS];
    for (int i = 1; i < DRAWS; i++) {
      counts[(int) (numbers[i - 1] * 16) * 16 + (int) (numbers[i] * 16)]++;
    }
    ChiSquare.check("pairs along index", counts, equal(CELLS));
    double[] first =
        IntStream.range(0, DRAWS)
            .mapToDouble(i -> KeyedRandom.uniform(KeyedRandom.bits(42, 0, i, 0), 5))
            .toArray();
    uniform("index 5 of all positions", first);
  }

  @Test
  void neighboursOfAKeyAreIndependentOfIt() {
    pairs("position", IntStream.range(0, DRAWS).mapToDouble(i -> u(5, 0, i + 1, 0)).toArray());
    pairs("choice", IntStream.range(0, DRAWS).mapToDouble(i -> u(5, 1, i, 0)).toArray());
    pairs("stream", IntStream.range(0, DRAWS).mapToDouble(i -> u(5, 0, i, 1)).toArray());
    pairs("seed", IntStream.range(0, DRAWS).mapToDouble(i -> u(6, 0, i, 0)).toArray());
  }

  @Test
  void everyBitOfEveryPartOfTheKeyFlipsAboutHalfOfTheBits() {
    for (int bit = 0; bit < 64; bit++) {
      long seeds = 0;
      long choices = 0;
      long positions = 0;
      long streams = 0;
      for (int i = 0; i < 1_000; i++) {
        long plain = KeyedRandom.bits(i, i, i, i);
        int flip = 1 << (bit & 31);
        seeds += Long.bitCount(plain ^ KeyedRandom.bits(i ^ 1L << bit, i, i, i));
        choices += Long.bitCount(plain ^ KeyedRandom.bits(i, i ^ flip, i, i));
        positions += Long.bitCount(plain ^ KeyedRandom.bits(i, i, i ^ flip, i));
        streams += Long.bitCount(plain ^ KeyedRandom.bits(i, i, i, i ^ flip));
      }
      for (long flipped : new long[] {seeds, choices, positions, streams}) {
        // Of 64,000 fair bits: mean 32,000, standard deviation 126.
        assertThat(flipped).as("bit %d", bit).isBetween(32_000L - 700, 32_000L + 700);
      }
    }
  }

  @Test
  void noTwoPositionsOfAChoiceShareTheirBits() {
    Set<Long> seen = new HashSet<>();
    for (int position = 0; position < DRAWS; position++) {
      assertThat(seen.add(KeyedRandom.bits(9, 1, position, 0))).isTrue();
    }
  }

  private static double u(long seed, int choice, int position, int stream) {
    return KeyedRandom.uniform(seed, choice, position, stream);
  }

  private static void uniform(String what, double[] numbers) {
    long[] counts = new long[CELLS];
    for (double number : numbers) {
      counts[(int) (number * CELLS)]++;
    }
    ChiSquare.check(what, counts, equal(CELLS));
  }

  /** Checks the cells of pairs (number of key i, number of its neighbour). */
  private static void pairs(String what, double[] neighbours) {
    long[] counts = new long[CELLS];
    for (int i = 0; i < neighbours.length; i++) {
      counts[(int) (u(5, 0, i, 0) * 16) * 16 + (int) (neighbours[i] * 16)]++;
    }
    ChiSquare.check("pairs along " + what, counts, equal(CELLS));
  }

  private static double[] equal(int cells) {
    double[] probabilities = new double[cells];
    Arrays.fill(probabilities, 1.0 / cells);
    return probabilities;
  }
}
