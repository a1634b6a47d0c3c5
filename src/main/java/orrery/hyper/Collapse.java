package orrery.hyper;

import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * y[r] = Σ_j pre_j · x[r][j]: one fma chain over the streams in increasing j.
 *
 * @param x [rows][n · hidden] the streams
 * @param pre [rows][n]
 * @param y [rows][hidden]
 */
record Collapse(Buffer x, Buffer pre, Buffer y) implements Op {
  Collapse {
    if (x.cols != pre.cols * y.cols) {
      throw new IllegalArgumentException(
          y + " = sum of " + pre + " * " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      Arrays.fill(y.data, y.row(r), y.row(r) + y.cols, 0f);
      for (int j = 0; j < pre.cols; j++) {
        float weight = pre.data[pre.row(r) + j];
        step.kernels().addScaled(weight, x.data, x.row(r) + j * y.cols, y.data, y.row(r), y.cols);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, pre);
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
    return (long) y.rows(step) * x.cols / 2;
  }

  @Override
  public String line() {
    return y + " = sum of " + pre + " * streams " + x;
  }
}
