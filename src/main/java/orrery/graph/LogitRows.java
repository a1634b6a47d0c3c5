package orrery.graph;

import java.util.List;

/** y[i] = x[logitRow[i]]: only rows that want logits go through the head. */
record LogitRows(Buffer x, Buffer y) implements Op {
  LogitRows {
    if (x.cols != y.cols) {
      throw new IllegalArgumentException(y + " = rows of " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int i = rows * share / shares; i < rows * (share + 1) / shares; i++) {
      System.arraycopy(x.data, x.row(step.logitRow[i]), y.data, y.row(i), y.cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.LOGIT_ROW);
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
    return (long) y.rows(step) * y.cols / 8;
  }

  @Override
  public String line() {
    return y + " = " + x + " [logit rows]";
  }
}
