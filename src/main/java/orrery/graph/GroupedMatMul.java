package orrery.graph;

import java.util.Arrays;
import java.util.List;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Scratch;

/**
 * y[r] = the products of the groups one after the other: group g multiplies its columns of x[r] by
 * its own matrix. Shares take panels of 16 outputs, counted through all groups.
 *
 * <p>The product writes whole panels. Where a group's last panel is not full, that would overwrite
 * the columns of the next group, or the next row. So this panel is computed aside and copied.
 *
 * @param x [rows][groups*in]
 * @param w [groups], each [out][in]
 * @param y [rows][groups*out]
 */
record GroupedMatMul(Buffer x, PackedMatrix[] w, Buffer y) implements MatrixProduct {
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

  @Override
  public void run(Step step, int share, int shares) {
    int panels = w[0].panels;
    int full = w[0].out / PackedMatrix.PANEL;
    int to = w.length * panels * (share + 1) / shares;
    for (int p = w.length * panels * share / shares; p < to; ) {
      int group = p / panels;
      int from = p % panels;
      int end = Math.min(panels, from + to - p);
      if (x.rows(step) > 0) {
        if (from < full) {
          product(
              step, share, group, from, Math.min(end, full), y.data, group * w[0].out, y.stride);
        }
        if (end > full) {
          lastPanel(step, share, group);
        }
      }
      p += end - from;
    }
  }

  private void product(
      Step step, int share, int group, int from, int to, float[] into, int off, int stride) {
    Scratch scratch = step.scratch(share);
    int xOff = group * w[group].in;
    int rows = x.rows(step);
    step.kernels()
        .matmul(w[group], x.data, xOff, x.stride, rows, into, off, stride, from, to, scratch);
  }

  private void lastPanel(Step step, int share, int group) {
    int panel = w[group].panels - 1;
    int first = panel * PackedMatrix.PANEL;
    int rows = x.rows(step);
    float[] aside = step.scratch(share).numbers(rows * PackedMatrix.PANEL); // [rows][16]
    // The kernel writes a panel at 16 times its number.
    product(step, share, group, panel, panel + 1, aside, -first, PackedMatrix.PANEL);
    for (int r = 0; r < rows; r++) {
      int at = y.row(r) + group * w[group].out + first;
      System.arraycopy(aside, r * PackedMatrix.PANEL, y.data, at, w[group].out - first);
    }
  }

  @Override
  public List<PackedMatrix> matrices() {
    return List.of(w);
  }

  @Override
  public GroupedMatMul of(Buffer x) {
    return new GroupedMatMul(x, w, y);
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
