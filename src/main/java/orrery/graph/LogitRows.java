package orrery.graph;

/** y[i] = x[logitRow[i]]: only rows that want logits go through the head. */
record LogitRows(Buffer x, Buffer y) implements Op {
  LogitRows {
    if (x.cols != y.cols) {
      throw new IllegalArgumentException(y + " = rows of " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int part, int parts) {
    int rows = y.rows(step);
    for (int i = rows * part / parts; i < rows * (part + 1) / parts; i++) {
      System.arraycopy(x.data, x.row(step.logitRow[i]), y.data, y.row(i), y.cols);
    }
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
