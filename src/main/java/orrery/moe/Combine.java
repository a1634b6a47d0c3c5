package orrery.moe;

import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * y[r] = Σ weight · expert output: one fma chain over the selected experts of r, in ascending id.
 */
record Combine(Buffer expertOut, ExpertGroups groups, Buffer y) implements Op {
  Combine {
    if (expertOut.cols != y.cols) {
      throw new IllegalArgumentException(y + " = sum of " + expertOut + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int topK = groups.spec.topK();
    int[] assignmentOf = groups.assignmentOf.data;
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      Arrays.fill(y.data, y.row(r), y.row(r) + y.cols, 0f);
      for (int j = 0; j < topK; j++) {
        int assignment = assignmentOf[r * topK + j];
        float weight = groups.topkWeights.data[groups.topkWeights.row(r) + j];
        step.kernels()
            .addScaled(weight, expertOut.data, expertOut.row(assignment), y.data, y.row(r), y.cols);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(expertOut, groups.assignmentOf, groups.topkWeights);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public RowCount rowwise() {
    return expertOut.rowCount() == y.rowCount() ? null : y.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) groups.assignments(step) * y.cols / 4;
  }

  @Override
  public String line() {
    return y + " = sum of weight * " + expertOut + " over experts";
  }
}
