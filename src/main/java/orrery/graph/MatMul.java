package orrery.graph;

import java.util.List;
import orrery.kernels.PackedMatrix;

/**
 * y[r] = W · x[r]; shares take panels of 16 outputs, or rows.
 *
 * @param x [rows][in]
 * @param w [out][in]
 * @param y [rows][out]
 * @param cutByRows whether shares take rows
 * @throws IllegalArgumentException if the shapes do not fit
 */
public record MatMul(Buffer x, PackedMatrix w, Buffer y, boolean cutByRows)
    implements MatrixProduct {
  public MatMul {
    if (w.in != x.cols || w.out != y.cols) {
      throw new IllegalArgumentException(y + " = " + w + " · " + x + ": shapes do not fit");
    }
  }

  /** A product whose shares take panels of outputs. */
  public MatMul(Buffer x, PackedMatrix w, Buffer y) {
    this(x, w, y, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    if (cutByRows) {
      int first = rows * share / shares;
      product(step, share, first, rows * (share + 1) / shares - first, 0, w.panels);
    } else {
      int columns = Grid.columns(rows, w.panels, shares, step.threads());
      int first = Grid.firstRow(rows, share, columns, shares);
      int count = Grid.lastRow(rows, share, columns, shares) - first;
      int to = Grid.last(w.panels, share, columns);
      product(step, share, first, count, Grid.first(w.panels, share, columns), to);
    }
  }

  private void product(Step step, int share, int first, int rows, int from, int to) {
    if (rows > 0 && from < to) {
      step.kernels()
          .matmul(
              w,
              x.data,
              x.row(first),
              x.stride,
              rows,
              y.data,
              y.row(first),
              y.stride,
              from,
              to,
              step.scratch(share));
    }
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? x.rowCount() : null;
  }

  @Override
  public MatMul cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, w.weights()) ? new MatMul(x, w, y, true) : this;
  }

  @Override
  public List<PackedMatrix> matrices() {
    return List.of(w);
  }

  @Override
  public MatMul of(Buffer x) {
    return new MatMul(x, w, y, cutByRows);
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
