package orrery.graph;

import java.util.List;

/**
 * y = silu(gate) · up.
 *
 * @param limit if above 0, gate is cut at it, and up at ± it, before they are used
 */
public record SwiGlu(Buffer gate, Buffer up, float limit, Buffer y) implements Op {
  public SwiGlu {
    if (gate.cols != y.cols || up.cols != y.cols) {
      throw new IllegalArgumentException(
          y + " = silu " + gate + " * " + up + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      row(step, gate.data, gate.row(r), up.data, up.row(r), limit, y.data, y.row(r), y.cols);
    }
  }

  /** Some columns of a row. */
  public static void row(
      Step step,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      float limit,
      float[] y,
      int yAt,
      int cols) {
    if (limit > 0) {
      step.kernels().clampedSwiglu(gate, gateAt, up, upAt, limit, y, yAt, cols);
    } else {
      step.kernels().swiglu(gate, gateAt, up, upAt, y, yAt, cols);
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
  public RowCount rowwise() {
    return y.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) y.rows(step) * y.cols * 16;
  }

  @Override
  public String line() {
    return y + " = silu " + gate + " * " + up + (limit > 0 ? ", cut at " + limit : "");
  }
}
