package orrery.graph;

import java.util.List;
import orrery.kernels.PackedMatrix;

/**
 * y[r] = W · x[r]; shares take panels of 16 outputs.
 *
 * @param x [rows][in]
 * @param w [out][in]
 * @param y [rows][out]
 * @throws IllegalArgumentException if the shapes do not fit
 */
public record MatMul(Buffer x, PackedMatrix w, Buffer y) implements MatrixProduct {
  public MatMul {
    if (w.in != x.cols || w.out != y.cols) {
      throw new IllegalArgumentException(y + " = " + w + " · " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    int from = w.panels * share / shares;
    int to = w.panels * (share + 1) / shares;
    if (rows > 0 && from < to) {
      step.kernels()
          .matmul(w, x.data, 0, x.stride, rows, y.data, 0, y.stride, from, to, step.scratch(share));
    }
  }

  @Override
  public List<PackedMatrix> matrices() {
    return List.of(w);
  }

  @Override
  public MatMul of(Buffer x) {
    return new MatMul(x, w, y);
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
  public long cost(Step step) {
    return (long) x.rows(step) * w.in * w.out;
  }

  @Override
  public String line() {
    return y + " = " + w + " · " + x;
  }
}
