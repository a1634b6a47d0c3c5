package orrery.moe;

import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;

/**
 * Takes each row's experts from a table by its token id ("Hash Layers For Large Sparse Models",
 * Roller et al., 2021; DeepSeek-V4 routes its first layers so). The scores still weigh them. A
 * table may name an expert twice for a token: then it counts twice, in the sum of the scores and in
 * the output.
 *
 * @param logits [rows][experts] router logits; the op replaces them by the scores
 * @param tid2eid [vocab][topK]
 */
record LookUpExperts(Buffer logits, int[] tid2eid, ExpertGroups groups) implements Op {
  LookUpExperts {
    if (logits.cols != groups.spec.experts() || tid2eid.length % groups.spec.topK() != 0) {
      throw new IllegalArgumentException(
          groups.spec + " of " + logits + ", table of " + tid2eid.length + ": shapes do not fit");
    }
  }

  /** Refuses a table that names an expert that does not exist. */
  static void requireExperts(int[] tid2eid, RouterSpec spec) {
    for (int i = 0; i < tid2eid.length; i++) {
      if (tid2eid[i] < 0 || tid2eid[i] >= spec.experts()) {
        throw new IllegalArgumentException(
            "tid2eid of token "
                + i / spec.topK()
                + ": expected experts 0 to "
                + (spec.experts() - 1)
                + ", found "
                + tid2eid[i]);
      }
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = logits.rows(step);
    int topK = groups.spec.topK();
    int[] ids = groups.topkIds.data;
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      System.arraycopy(tid2eid, step.token[r] * topK, ids, r * topK, topK);
      Arrays.sort(ids, r * topK, (r + 1) * topK);
      groups.score(step, share, logits.data, logits.row(r));
      groups.weigh(r, logits.data, logits.row(r));
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(logits, StepField.TOKEN);
  }

  @Override
  public List<Operand> writes() {
    return List.of(logits, groups.topkIds, groups.topkWeights);
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
    return "topkIds, topkWeights = tid2eid[token], weighed by " + logits;
  }
}
