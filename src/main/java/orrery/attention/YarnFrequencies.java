package orrery.attention;

/**
 * Rotary frequencies for contexts longer than those of the first training ("YaRN", Peng et al.,
 * 2023, §3.2, "NTK-by-parts").
 *
 * <p>A pair that turns often within the old context tells near tokens apart and keeps its speed. A
 * pair that turns less than about once would meet angles that it never saw, so it is slowed down by
 * {@code factor}. Between the two, the speed goes from one to the other along a ramp. YaRN's second
 * part, a factor of the scores, is not applied here: DeepSeek-V4 does without.
 *
 * <p>The order of the float32 operations is that of {@code _compute_yarn_parameters} in Hugging
 * Face transformers ({@code modeling_rope_utils.py}); the bounds of the ramp are doubles there too.
 * DeepSeek-V4's reference code computes the same.
 *
 * @param factor how many times longer the contexts become
 * @param originalPositions the longest context of the first training
 * @param betaFast a pair with at least so many turns in that context keeps its speed
 * @param betaSlow a pair with at most so many turns is slowed down by the whole factor
 */
public record YarnFrequencies(
    double factor, int originalPositions, double betaFast, double betaSlow) {

  /**
   * @throws IllegalArgumentException naming the number that does not fit, what was expected and
   *     what was found
   */
  public YarnFrequencies {
    require(factor >= 1, "factor", "at least 1", factor);
    require(
        originalPositions >= 1,
        "original_max_position_embeddings",
        "at least 1",
        originalPositions);
    require(betaSlow > 0, "beta_slow", "more than 0", betaSlow);
    require(betaFast >= betaSlow, "beta_fast", "at least beta_slow " + betaSlow, betaFast);
  }

  private static void require(boolean holds, String what, String expected, double found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "rope_scaling " + what + ": expected " + expected + ", found " + found);
    }
  }

  /** Radians that each pair turns from one position to the next: [pairs]. */
  public float[] inverseFrequencies(int rotaryDim, double theta) {
    double fastest = RopeTable.pairOf(betaFast, originalPositions, rotaryDim, theta);
    double slowest = RopeTable.pairOf(betaSlow, originalPositions, rotaryDim, theta);
    double low = Math.max(Math.floor(fastest), 0);
    double high = Math.min(Math.ceil(slowest), rotaryDim - 1);
    float length = (float) (low == high ? high + 0.001 - low : high - low);
    float[] frequencies = new float[(rotaryDim + 1) / 2]; // [pairs]
    for (int i = 0; i < frequencies.length; i++) {
      float ramp = Math.clamp((i - (float) low) / length, 0f, 1f);
      float radian = RopeTable.radianLength(i, rotaryDim, theta);
      float slow = 1f / ((float) factor * radian);
      float fast = 1f / radian;
      float keeps = 1f - ramp;
      frequencies[i] = slow * (1f - keeps) + fast * keeps;
    }
    return frequencies;
  }
}
