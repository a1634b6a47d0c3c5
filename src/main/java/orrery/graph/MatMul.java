package orrery.graph;

import orrery.kernels.PackedMatrix;

/**
 * y[r] = W · x[r]; parts take panels of 16 outputs.
 *
 * @param x [rows][in]
 * @param w [out][in]
 * @param y [rows][out]
 * @throws IllegalArgumentException if the shapes do not fit
 */
public record MatMul(Buffer x, PackedMatrix w, Buffer y) implements Op {
  public MatMul {
    if (w.in != x.cols || w.out != y.cols) {
      throw new IllegalArgumentException(y + " = " + w + " · " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int part, int parts) {
    int rows = x.rows(step);
    int from = w.panels * part / parts;
    int to = w.panels * (part + 1) / parts;
    if (rows > 0 && from < to) {
      step.kernels()
          .matmul(w, x.data, 0, x.stride, rows, y.data, 0, y.stride, from, to, step.scratch(part));
    }
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
