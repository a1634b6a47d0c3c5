package orrery.moe;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/** y[a] = x[row of assignment a], so that each expert's rows lie side by side. */
record GatherRows(Buffer x, ExpertGroups groups, Buffer y) implements Op {
  GatherRows {
    if (x.cols != y.cols) {
      throw new IllegalArgumentException(y + " = rows of " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int n = groups.assignments(step);
    int[] rowOf = groups.rowOf.data;
    for (int a = n * share / shares; a < n * (share + 1) / shares; a++) {
      System.arraycopy(x.data, x.row(rowOf[a]), y.data, y.row(a), x.cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, groups.rowOf);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount() == y.rowCount() ? null : y.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) groups.assignments(step) * x.cols / 8;
  }

  @Override
  public String line() {
    return y + " = " + x + " [rows by expert]";
  }
}
