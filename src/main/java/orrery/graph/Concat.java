package orrery.graph;

import java.util.List;

/** y[r] = a[r] followed by b[r]. */
record Concat(Buffer a, Buffer b, Buffer y) implements Op {
  Concat {
    if (y.cols != a.cols + b.cols) {
      throw new IllegalArgumentException(y + " = " + a + " and " + b + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      System.arraycopy(a.data, a.row(r), y.data, y.row(r), a.cols);
      System.arraycopy(b.data, b.row(r), y.data, y.row(r) + a.cols, b.cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(a, b);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public RowCount rowwise() {
    return y.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) y.rows(step) * y.cols / 8;
  }

  @Override
  public String line() {
    return y + " = " + a + " | " + b;
  }
}
