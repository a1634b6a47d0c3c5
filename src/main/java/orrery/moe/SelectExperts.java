package orrery.moe;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * Selects each row's experts by its router logits. The bias only steers the selection; the weights
 * are computed from the plain scores. Among equal candidates the lowest id wins.
 *
 * @param logits [rows][experts] router logits; the op replaces them by the scores
 * @param biasedScores [rows][experts] scratch: scores plus bias
 * @param groupScores [rows][groups] scratch, if only the best groups count
 * @param bias [experts] {@code e_score_correction_bias}
 */
record SelectExperts(
    Buffer logits, Buffer biasedScores, Buffer groupScores, float[] bias, ExpertGroups groups)
    implements Op {
  SelectExperts {
    if (logits.cols != groups.spec.experts()
        || biasedScores.cols != logits.cols
        || bias.length != logits.cols
        || groupScores.cols != groups.spec.groups()) {
      throw new IllegalArgumentException(
          groups.spec
              + " of "
              + logits
              + ", "
              + biasedScores
              + ", "
              + groupScores
              + ", bias of "
              + bias.length
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = logits.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      select(step, share, r);
    }
  }

  private void select(Step step, int share, int r) {
    RouterSpec spec = groups.spec;
    float[] scores = logits.data;
    int at = logits.row(r);
    int biasedAt = biasedScores.row(r);
    groups.score(step, share, scores, at);
    for (int e = 0; e < spec.experts(); e++) {
      biasedScores.data[biasedAt + e] = scores[at + e] + bias[e];
    }
    int[] ids = groups.topkIds.data;
    int idsAt = r * spec.topK();
    if (groupsMatter()) {
      excludeWeakGroups(step, r);
    }
    step.kernels().topK(biasedScores.data, biasedAt, spec.experts(), spec.topK(), ids, idsAt);
    Arrays.sort(ids, idsAt, idsAt + spec.topK());
    groups.weigh(r, scores, at);
  }

  private boolean groupsMatter() {
    return groups.spec.topGroups() < groups.spec.groups();
  }

  /**
   * Gives −∞ to all groups but the best {@code topGroups}, so that none of their experts is
   * selected.
   */
  private void excludeWeakGroups(Step step, int r) {
    RouterSpec spec = groups.spec;
    int size = spec.experts() / spec.groups();
    float[] values = biasedScores.data;
    int groupAt = groupScores.row(r);
    for (int g = 0; g < spec.groups(); g++) {
      float best = Float.NEGATIVE_INFINITY;
      float second = Float.NEGATIVE_INFINITY;
      for (int e = biasedScores.row(r) + g * size; e < biasedScores.row(r) + (g + 1) * size; e++) {
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
        int from = biasedScores.row(r) + g * size;
        Arrays.fill(values, from, from + size, Float.NEGATIVE_INFINITY);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(logits);
  }

  @Override
  public List<Operand> writes() {
    return groupsMatter()
        ? List.of(logits, biasedScores, groupScores, groups.topkIds, groups.topkWeights)
        : List.of(logits, biasedScores, groups.topkIds, groups.topkWeights);
  }

  @Override
  public RowCount rowwise() {
    return logits.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) logits.rows(step) * groups.spec.experts() * 16;
  }

  @Override
  public String line() {
    return "topkIds, topkWeights = top "
        + groups.spec.topK()
        + " of "
        + groups.spec.score().name().toLowerCase(Locale.ROOT)
        + " "
        + logits
        + " + bias";
  }
}
