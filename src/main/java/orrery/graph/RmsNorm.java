package orrery.graph;

import java.util.List;

/**
 * y[r] = rmsNorm(x[r]), for each of {@code heads} equal pieces of a row on its own.
 *
 * @param weight [cols / heads]
 */
public record RmsNorm(Buffer x, float[] weight, float eps, Buffer y, int heads) implements Op {
  public RmsNorm {
    if (x.cols != y.cols || weight.length * heads != x.cols) {
      throw new IllegalArgumentException(
          y
              + " = rmsNorm of "
              + heads
              + " x "
              + weight.length
              + " of "
              + x
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    int n = weight.length;
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      for (int h = 0; h < heads; h++) {
        step.kernels()
            .rmsNorm(
                x.data,
                x.row(r) + h * n,
                weight,
                0,
                eps,
                n,
                y.data,
                y.row(r) + h * n,
                step.scratch(share));
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
    return (long) x.rows(step) * x.cols;
  }

  @Override
  public String line() {
    return y + " = rmsNorm " + x + (heads > 1 ? " per head, " + heads : "");
  }
}
