package orrery.hyper;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * Every stream of y[r] = x[r], as the streams begin with a token's embedding.
 *
 * @param x [rows][hidden]
 * @param y [rows][n · hidden] the streams
 * @throws IllegalArgumentException if the shapes do not fit
 */
public record Repeat(Buffer x, Buffer y) implements Op {
  public Repeat {
    if (y.cols % x.cols != 0) {
      throw new IllegalArgumentException(y + " = streams of " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      for (int c = 0; c < y.cols; c += x.cols) {
        System.arraycopy(x.data, x.row(r), y.data, y.row(r) + c, x.cols);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x);
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
    return "streams " + y + " = " + x + " in each";
  }
}
