package orrery.graph;

import java.util.List;

/**
 * y[r] += bias.
 *
 * @param bias [cols]
 */
public record AddBias(Buffer y, float[] bias) implements Op {
  public AddBias {
    if (bias.length != y.cols) {
      throw new IllegalArgumentException(y + " += bias of " + bias.length + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      step.kernels().add(bias, 0, y.data, y.row(r), y.cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(y);
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
    return y + " += bias";
  }
}
