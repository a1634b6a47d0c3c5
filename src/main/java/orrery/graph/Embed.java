package orrery.graph;

import java.util.List;
import orrery.kernels.PackedMatrix;

/** x[r] = row token[r] of the embedding. */
record Embed(PackedMatrix embedding, Buffer x) implements Op {
  Embed {
    if (embedding.in != x.cols) {
      throw new IllegalArgumentException(x + " = rows of " + embedding + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      embedding.row(step.token[r], x.data, x.row(r));
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(StepField.TOKEN);
  }

  @Override
  public List<Operand> writes() {
    return List.of(x);
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * x.cols;
  }

  @Override
  public String line() {
    return x + " = embedding " + embedding + " [token]";
  }
}
