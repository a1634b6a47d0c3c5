package orrery.graph;

import java.util.List;
import orrery.kernels.PackedMatrix;

/**
 * y[r] += W · x[r]: a product whose result goes to the residual stream at once.
 *
 * @param x [rows][in]
 * @param w [out][in]
 * @param y [rows][out]
 * @param cutByRows whether shares take rows, and not panels of outputs
 */
public record MatMulAdd(Buffer x, PackedMatrix w, Buffer y, boolean cutByRows) implements Op {
  /** A product, and the op that adds it to something. */
  public static final FusionRule RULE =
      new FusionRule() {
        @Override
        public String name() {
          return "product + residual add";
        }

        @Override
        public Match match(Ops ops, int last) {
          if (ops.get(last) instanceof Add add && add.x() != add.y()) {
            int at = ops.writer(add.x(), last);
            if (ops.get(at) instanceof MatMul m
                && m.x() != add.y()
                && m.x().rowCount() == add.y().rowCount()) {
              return new Match(new MatMulAdd(m.x(), m.w(), add.y()), at, last);
            }
          }
          return null;
        }
      };

  /** A product whose shares take panels of outputs. */
  MatMulAdd(Buffer x, PackedMatrix w, Buffer y) {
    this(x, w, y, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    if (cutByRows) {
      add(step, share, rows * share / shares, rows * (share + 1) / shares, 0, w.panels);
    } else {
      int columns = Grid.columns(rows, w.panels, shares, step.threads());
      int first = Grid.firstRow(rows, share, columns, shares);
      int end = Grid.lastRow(rows, share, columns, shares);
      int to = Grid.last(w.panels, share, columns);
      add(step, share, first, end, Grid.first(w.panels, share, columns), to);
    }
  }

  private void add(Step step, int share, int first, int end, int from, int to) {
    for (int r = first; r < end; r += Tile.ROWS) {
      int n = Math.min(Tile.ROWS, end - r);
      int most = Tile.panels(n);
      for (int p = from; p < to; p += most) {
        tile(step, share, r, n, p, Math.min(to, p + most));
      }
    }
  }

  private void tile(Step step, int share, int row, int rows, int from, int to) {
    int width = (to - from) * PackedMatrix.PANEL;
    int first = from * PackedMatrix.PANEL;
    float[] tile = step.scratch(share).numbers(rows * width); // [rows][width]
    Tile.product(step, share, w, x.data, x.row(row), x.stride, rows, tile, 0, width, from, to);
    int cols = Math.min(width, y.cols - first);
    for (int r = 0; r < rows; r++) {
      step.kernels().add(tile, r * width, y.data, y.row(row + r) + first, cols);
    }
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? y.rowCount() : null;
  }

  @Override
  public MatMulAdd cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, w.weights()) ? new MatMulAdd(x, w, y, true) : this;
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, y);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return (long) y.rows(step) * w.in * w.out;
  }

  @Override
  public String line() {
    return y + " += " + w + " · " + x;
  }
}
