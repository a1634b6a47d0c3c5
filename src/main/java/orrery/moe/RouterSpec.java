package orrery.moe;

/**
 * How a router selects experts: by scores and a selection bias, and on request only among the best
 * groups of experts ("DeepSeek-V3 Technical Report", 2024, §2.1.2; GLM-4.5 does the same).
 *
 * @param score how logits become scores
 * @param experts routed experts
 * @param topK experts per row
 * @param groups number of groups of equal size that the experts form
 * @param topGroups number of groups that a row may select experts from; the groups with the highest
 *     sum of their two best scores win
 * @param normTopK whether the weights of a row are divided by their sum
 * @param scale factor of the weights
 * @throws IllegalArgumentException naming the number that does not fit, what was expected and what
 *     was found
 */
public record RouterSpec(
    Score score, int experts, int topK, int groups, int topGroups, boolean normTopK, float scale) {
  /** From a router logit to the score that selects an expert and weighs it. */
  public enum Score {
    /** 1 / (1 + e^−x): DeepSeek-V3, GLM-4.5. */
    SIGMOID,
    /** √ln(1 + e^x): DeepSeek-V4. */
    SQRT_SOFTPLUS
  }

  public RouterSpec {
    require(experts >= 1, "experts", "at least 1", experts);
    require(groups >= 1 && experts % groups == 0, "groups", "a divisor of " + experts, groups);
    require(topGroups >= 1 && topGroups <= groups, "top groups", "1 to " + groups, topGroups);
    int eligible = experts / groups * topGroups;
    require(topK >= 1 && topK <= eligible, "top-k", "1 to " + eligible, topK);
    require(
        groups == 1 || experts / groups >= 2,
        "experts of a group",
        "at least 2 (a group is judged by its two best)",
        experts / groups);
  }

  private static void require(boolean holds, String what, String expected, int found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "router " + what + ": expected " + expected + ", found " + found);
    }
  }
}
