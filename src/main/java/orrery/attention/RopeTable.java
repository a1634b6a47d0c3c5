package orrery.attention;

/**
 * Cosines and sines of rotary positions ("RoFormer", Su et al., 2021). They are made as Hugging
 * Face transformers makes them: float32 inverse frequencies, float32 angles.
 *
 * @param pairs rotated pairs of a head; the other columns pass unchanged (partial rotary)
 * @param interleaved pairs (2i, 2i+1) instead of (i, i + pairs)
 * @param back whether the sines are negative, so that every pair is turned back
 * @param cos [positions][pairs]
 * @param sin [positions][pairs]
 */
public record RopeTable(int pairs, boolean interleaved, boolean back, float[] cos, float[] sin) {
  /**
   * Angles position · theta^(−2i/rotaryDim).
   *
   * @param rotaryDim columns of a head that are rotated; an odd number is rounded up to whole pairs
   */
  public static RopeTable of(int positions, int rotaryDim, double theta, boolean interleaved) {
    return of(positions, inverseFrequencies(rotaryDim, theta), interleaved);
  }

  /**
   * Angles position · inverseFrequencies[i] of pair i.
   *
   * @param inverseFrequencies [pairs] radians that each pair turns from one position to the next
   */
  public static RopeTable of(int positions, float[] inverseFrequencies, boolean interleaved) {
    int pairs = inverseFrequencies.length;
    float[] cos = new float[Math.multiplyExact(positions, pairs)];
    float[] sin = new float[positions * pairs];
    for (int i = 0; i < pairs; i++) {
      for (int p = 0; p < positions; p++) {
        float angle = p * inverseFrequencies[i];
        cos[p * pairs + i] = (float) StrictMath.cos(angle);
        sin[p * pairs + i] = (float) StrictMath.sin(angle);
      }
    }
    return new RopeTable(pairs, interleaved, false, cos, sin);
  }

  /** The table that turns every pair the other way. It shares the cosines. */
  public RopeTable conjugate() {
    float[] negative = new float[sin.length]; // [positions][pairs]
    for (int i = 0; i < negative.length; i++) {
      negative[i] = -sin[i];
    }
    return new RopeTable(pairs, interleaved, !back, cos, negative);
  }

  /** theta^(−2i/rotaryDim) for every pair i: [pairs]. */
  public static float[] inverseFrequencies(int rotaryDim, double theta) {
    float[] frequencies = new float[(rotaryDim + 1) / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = inverseFrequency(i, rotaryDim, theta);
    }
    return frequencies;
  }

  /** Radians that pair {@code i} turns from one position to the next. */
  public static float inverseFrequency(int i, int rotaryDim, double theta) {
    return 1f / radianLength(i, rotaryDim, theta);
  }

  /** Positions in which pair {@code i} turns by one radian: theta^(2i/rotaryDim). */
  static float radianLength(int i, int rotaryDim, double theta) {
    float exponent = (float) (2 * i) / rotaryDim;
    return (float) StrictMath.pow(theta, exponent);
  }

  /** The pair, as a fraction, that makes {@code turns} full turns in so many positions. */
  static double pairOf(double turns, int positions, int rotaryDim, double theta) {
    double positionsOfRadian = positions / (turns * 2 * Math.PI);
    return rotaryDim * StrictMath.log(positionsOfRadian) / (2 * StrictMath.log(theta));
  }

  /** Bytes for each position. */
  public static long bytes(int rotaryDim) {
    return 2 * 4L * ((rotaryDim + 1) / 2);
  }

  /** Positions covered. */
  public int positions() {
    return cos.length / pairs;
  }
}
