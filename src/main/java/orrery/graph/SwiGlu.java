package orrery.graph;

import java.util.List;

/** y = silu(gate) · up. */
record SwiGlu(Buffer gate, Buffer up, Buffer y) implements Op {
  SwiGlu {
    if (gate.cols != y.cols || up.cols != y.cols) {
      throw new IllegalArgumentException(
          y + " = silu " + gate + " * " + up + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      step.kernels().swiglu(gate.data, gate.row(r), up.data, up.row(r), y.data, y.row(r), y.cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(gate, up);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return (long) y.rows(step) * y.cols * 16;
  }

  @Override
  public String line() {
    return y + " = silu " + gate + " * " + up;
  }
}
