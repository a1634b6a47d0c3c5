package orrery.moe;

import java.util.Arrays;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Step;

/**
 * Chooses each row's experts from its router logits. Scores are sigmoids. The bias only steers the
 * choice; the weights are computed from the plain scores. Among equal candidates the lowest id
 * wins.
 *
 * @param logits [rows][experts] router logits; the op replaces them by the scores
 * @param choice [rows][experts] scratch: scores plus bias
 * @param groupScores [rows][groups] scratch
 * @param bias [experts] {@code e_score_correction_bias}
 */
record SelectExperts(
    Buffer logits, Buffer choice, Buffer groupScores, float[] bias, ExpertGroups groups)
    implements Op {
  SelectExperts {
    if (logits.cols != groups.spec.experts()
        || choice.cols != logits.cols
        || bias.length != logits.cols
        || groupScores.cols != groups.spec.groups()) {
      throw new IllegalArgumentException(
          groups.spec
              + " of "
              + logits
              + ", "
              + choice
              + ", "
              + groupScores
              + ", bias of "
              + bias.length
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int part, int parts) {
    int rows = logits.rows(step);
    for (int r = rows * part / parts; r < rows * (part + 1) / parts; r++) {
      select(step, r);
    }
  }

  private void select(Step step, int r) {
    RouterSpec spec = groups.spec;
    float[] scores = logits.data;
    int at = logits.row(r);
    int choiceAt = choice.row(r);
    step.kernels().sigmoid(scores, at, scores, at, spec.experts());
    for (int e = 0; e < spec.experts(); e++) {
      choice.data[choiceAt + e] = scores[at + e] + bias[e];
    }
    int[] chosen = groups.experts.data;
    int chosenAt = r * spec.topK();
    if (spec.topGroups() < spec.groups()) {
      excludeWeakGroups(step, r, chosen, chosenAt);
    }
    step.kernels().topK(choice.data, choiceAt, spec.experts(), spec.topK(), chosen, chosenAt);
    Arrays.sort(chosen, chosenAt, chosenAt + spec.topK());
    weigh(scores, at, chosen, chosenAt, groups.weights.data, groups.weights.row(r));
  }

  /**
   * Gives −∞ to all groups but the best {@code topGroups}, so that none of their experts is chosen.
   */
  private void excludeWeakGroups(Step step, int r, int[] chosen, int chosenAt) {
    RouterSpec spec = groups.spec;
    int size = spec.experts() / spec.groups();
    float[] values = choice.data;
    int groupAt = groupScores.row(r);
    for (int g = 0; g < spec.groups(); g++) {
      float best = Float.NEGATIVE_INFINITY;
      float second = Float.NEGATIVE_INFINITY;
      for (int e = choice.row(r) + g * size; e < choice.row(r) + (g + 1) * size; e++) {
        if (values[e] > best) {
          second = best;
          best = values[e];
        } else if (values[e] > second) {
          second = values[e];
        }
      }
      groupScores.data[groupAt + g] = best + second;
    }
    for (int kept = 0; kept < spec.topGroups(); kept++) {
      int g = step.kernels().argmax(groupScores.data, groupAt, spec.groups());
      groupScores.data[groupAt + g] = Float.NaN; // NaN marks a kept group, and loses every argmax
    }
    for (int g = 0; g < spec.groups(); g++) {
      if (!Float.isNaN(groupScores.data[groupAt + g])) {
        int from = choice.row(r) + g * size;
        Arrays.fill(values, from, from + size, Float.NEGATIVE_INFINITY);
      }
    }
  }

  private void weigh(
      float[] scores, int at, int[] chosen, int chosenAt, float[] weights, int weightsAt) {
    RouterSpec spec = groups.spec;
    float sum = 0;
    for (int j = 0; j < spec.topK(); j++) {
      sum += scores[at + chosen[chosenAt + j]];
    }
    for (int j = 0; j < spec.topK(); j++) {
      float w = scores[at + chosen[chosenAt + j]];
      weights[weightsAt + j] = (spec.normTopK() ? w / (sum + 1e-20f) : w) * spec.scale();
    }
  }

  @Override
  public long cost(Step step) {
    return (long) logits.rows(step) * groups.spec.experts() * 16;
  }

  @Override
  public String line() {
    return "experts, weights = top " + groups.spec.topK() + " of sigmoid " + logits + " + bias";
  }
}
