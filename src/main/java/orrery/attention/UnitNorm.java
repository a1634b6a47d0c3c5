package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;

/** Divides each of the heads of every row by its root mean square, in place. */
record UnitNorm(Buffer x, float eps, int heads) implements Op {
  UnitNorm {
    if (x.cols % heads != 0) {
      throw new IllegalArgumentException(
          "unit norm of " + heads + " heads of " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int headDim = x.cols / heads;
    int items = x.rows(step) * heads;
    for (int i = items * share / shares; i < items * (share + 1) / shares; i++) {
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
  public long cost(Step step) {
    return (long) x.rows(step) * x.cols;
  }

  @Override
  public String line() {
    return x + " = unit norm per head, " + heads;
  }
}
