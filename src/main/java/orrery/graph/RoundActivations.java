package orrery.graph;

import java.util.List;
import orrery.quantization.ActivationRounding;

/**
 * y[r] = x[r], rounded to FP8 and scaled back; shares take rows.
 *
 * @param x [rows][cols]
 * @param width columns that one matrix multiplies: blocks begin anew behind them
 * @param y [rows][cols]
 */
public record RoundActivations(Buffer x, ActivationRounding rounding, int width, Buffer y)
    implements Op {
  public RoundActivations {
    if (x.cols != y.cols || width < 1 || x.cols % width != 0) {
      throw new IllegalArgumentException(
          y + " = fp8(" + x + "), " + width + " columns at a time: shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      for (int c = 0; c < x.cols; c += width) {
        step.kernels()
            .roundActivations(rounding, x.data, x.row(r) + c, width, y.data, y.row(r) + c);
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
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    return 4L * x.rows(step) * x.cols; // a division, and about as much again
  }

  @Override
  public String line() {
    return y + " = fp8(" + x + ")";
  }
}
