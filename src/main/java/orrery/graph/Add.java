package orrery.graph;

import java.util.List;

/** y += x. */
public record Add(Buffer x, Buffer y) implements Op {
  public Add {
    if (x.cols != y.cols) {
      throw new IllegalArgumentException(y + " += " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      step.kernels().add(x.data, x.row(r), y.data, y.row(r), y.cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, y);
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
    return (long) y.rows(step) * y.cols / 4;
  }

  @Override
  public String line() {
    return y + " += " + x;
  }
}
