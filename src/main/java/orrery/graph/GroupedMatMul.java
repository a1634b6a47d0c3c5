package orrery.graph;

import java.util.Arrays;
import java.util.List;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Scratch;

/**
 * y[r] = the products of the groups one after the other: group g multiplies its columns of x[r] by
 * its own matrix. Shares take panels of 16 outputs, counted through all groups, or rows.
 *
 * <p>The product writes whole panels. Where a group's last panel is not full, that would overwrite
 * the columns of the next group, or the next row. So this panel is computed aside and copied.
 *
 * @param x [rows][groups*in]
 * @param w [groups], each [out][in]
 * @param y [rows][groups*out]
 * @param cutByRows whether shares take rows
 */
record GroupedMatMul(Buffer x, PackedMatrix[] w, Buffer y, boolean cutByRows)
    implements MatrixProduct {
  GroupedMatMul {
    int in = w[0].in;
    int out = w[0].out;
    if (Arrays.stream(w).anyMatch(m -> m.in != in || m.out != out)
        || x.cols != w.length * in
        || y.cols != w.length * out) {
      throw new IllegalArgumentException(
          y + " = " + Arrays.toString(w) + " · " + x + ": shapes do not fit");
    }
  }

  GroupedMatMul(Buffer x, PackedMatrix[] w, Buffer y) {
    this(x, w, y, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    int all = w.length * w[0].panels;
    if (cutByRows) {
      int first = rows * share / shares;
      panels(step, share, first, rows * (share + 1) / shares - first, 0, all);
    } else {
      panels(step, share, 0, rows, all * share / shares, all * (share + 1) / shares);
    }
  }

  /** The panels [p, to), counted through all groups, of some rows. */
  private void panels(Step step, int share, int row, int rows, int p, int to) {
    int panels = w[0].panels;
    int full = w[0].out / PackedMatrix.PANEL;
    while (rows > 0 && p < to) {
      int group = p / panels;
      int from = p % panels;
      int end = Math.min(panels, from + to - p);
      if (from < full) {
        int at = y.row(row) + group * w[0].out;
        int until = Math.min(end, full);
        product(step, share, row, rows, group, from, until, y.data, at, y.stride);
      }
      if (end > full) {
        for (int r = row; r < row + rows; r += Tile.ROWS) {
          lastPanel(step, share, r, Math.min(Tile.ROWS, row + rows - r), group);
        }
      }
      p += end - from;
    }
  }

  private void product(
      Step step,
      int share,
      int row,
      int rows,
      int group,
      int from,
      int to,
      float[] into,
      int off,
      int stride) {
    Scratch scratch = step.scratch(share);
    int xOff = x.row(row) + group * w[group].in;
    step.kernels()
        .matmul(w[group], x.data, xOff, x.stride, rows, into, off, stride, from, to, scratch);
  }

  private void lastPanel(Step step, int share, int row, int rows, int group) {
    int panel = w[group].panels - 1;
    int first = panel * PackedMatrix.PANEL;
    float[] aside = step.scratch(share).numbers(rows * PackedMatrix.PANEL); // [rows][16]
    // The kernel writes a panel at 16 times its number.
    product(step, share, row, rows, group, panel, panel + 1, aside, -first, PackedMatrix.PANEL);
    for (int r = 0; r < rows; r++) {
      int at = y.row(row + r) + group * w[group].out + first;
      System.arraycopy(aside, r * PackedMatrix.PANEL, y.data, at, w[group].out - first);
    }
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? x.rowCount() : null;
  }

  @Override
  public GroupedMatMul cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, w.length * w[0].weights())
        ? new GroupedMatMul(x, w, y, true)
        : this;
  }

  @Override
  public List<PackedMatrix> matrices() {
    return List.of(w);
  }

  @Override
  public GroupedMatMul of(Buffer x) {
    return new GroupedMatMul(x, w, y, cutByRows);
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
    return (long) x.rows(step) * w.length * w[0].in * w[0].out;
  }

  @Override
  public String line() {
    return y + " = " + w.length + " groups of " + w[0] + " · " + x;
  }
}
