package orrery.attention;

/**
 * Cosines and sines of rotary positions ("RoFormer", Su et al., 2021). They are made as Hugging
 * Face transformers makes them: float32 inverse frequencies, float32 angles.
 *
 * @param pairs rotated pairs of a head; the other columns pass unchanged (partial rotary)
 * @param interleaved pairs (2i, 2i+1) instead of (i, i + pairs)
 * @param cos [positions][pairs]
 * @param sin [positions][pairs]
 */
public record RopeTable(int pairs, boolean interleaved, float[] cos, float[] sin) {
  /**
   * Angles position · theta^(−2i/rotaryDim).
   *
   * @param rotaryDim columns of a head that are rotated; an odd number is rounded up to whole pairs
   */
  public static RopeTable of(int positions, int rotaryDim, double theta, boolean interleaved) {
    int pairs = (rotaryDim + 1) / 2;
    float[] cos = new float[Math.multiplyExact(positions, pairs)];
    float[] sin = new float[positions * pairs];
    for (int i = 0; i < pairs; i++) {
      float inverseFrequency = inverseFrequency(i, rotaryDim, theta);
      for (int p = 0; p < positions; p++) {
        float angle = p * inverseFrequency;
        cos[p * pairs + i] = (float) StrictMath.cos(angle);
        sin[p * pairs + i] = (float) StrictMath.sin(angle);
      }
    }
    return new RopeTable(pairs, interleaved, cos, sin);
  }

  /** Radians that pair {@code i} turns from one position to the next. */
  public static float inverseFrequency(int i, int rotaryDim, double theta) {
    float exponent = (float) (2 * i) / rotaryDim;
    return 1f / (float) StrictMath.pow(theta, exponent);
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
