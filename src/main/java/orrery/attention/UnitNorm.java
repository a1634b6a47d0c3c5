package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * Divides each of the heads of every row by its root mean square, in place. Shares take heads, so
 * that a single row can be split too, or rows.
 */
record UnitNorm(Buffer x, float eps, int heads, boolean cutByRows) implements Op {
  UnitNorm {
    if (x.cols % heads != 0) {
      throw new IllegalArgumentException(
          "unit norm of " + heads + " heads of " + x + ": shapes do not fit");
    }
  }

  UnitNorm(Buffer x, float eps, int heads) {
    this(x, eps, heads, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int headDim = x.cols / heads;
    int each = cutByRows ? heads : 1; // heads that stay together
    int items = x.rows(step) * heads / each;
    int to = items * (share + 1) / shares * each;
    for (int i = items * share / shares * each; i < to; i++) {
      int at = x.row(i / heads) + i % heads * headDim;
      step.kernels().unitNorm(x.data, at, eps, headDim, x.data, at, step.scratch(share));
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x);
  }

  @Override
  public List<Operand> writes() {
    return List.of(x);
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? x.rowCount() : null;
  }

  @Override
  public UnitNorm cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, 0) ? new UnitNorm(x, eps, heads, true) : this;
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * x.cols;
  }

  @Override
  public String line() {
    return x + " = unit norm per head, " + heads;
  }
}
