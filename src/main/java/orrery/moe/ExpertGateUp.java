package orrery.moe;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.SwiGlu;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Scratch;

/**
 * y[a] = silu(gate · x) · (up · x) with the matrices of the expert of a, for all assignments a.
 *
 * <p>An expert's rows need not lie side by side. One row or two, and any that are equally far
 * apart, are multiplied where they are; other rows are copied to the scratch of the share.
 *
 * @param x [rows][hidden], or [assignments][hidden] if the rows are gathered already
 * @param gathered whether they are
 * @param gate [experts], each [intermediate][hidden]
 * @param up [experts], each [intermediate][hidden]
 * @param limit as in {@link SwiGlu}
 * @param y [assignments][intermediate]
 */
record ExpertGateUp(
    Buffer x,
    boolean gathered,
    PackedMatrix[] gate,
    PackedMatrix[] up,
    ExpertGroups groups,
    float limit,
    Buffer y)
    implements Op {

  @Override
  public void run(Step step, int share, int shares) {
    int[] start = groups.start.data;
    int all = start[gate.length];
    for (int e = 0; e < gate.length; e++) {
      int rows = start[e + 1] - start[e];
      if (rows > 0) {
        int from = ExpertShares.from(gate[e], start[e], rows, all, share, shares);
        int to = ExpertShares.from(gate[e], start[e], rows, all, share + 1, shares);
        for (int r = 0; from < to && r < rows; r += Tile.ROWS) {
          expert(step, share, e, start[e] + r, Math.min(Tile.ROWS, rows - r), from, to);
        }
      }
    }
  }

  /** Some panels of one expert, for {@code rows} assignments from {@code first} on. */
  private void expert(Step step, int share, int e, int first, int rows, int from, int to) {
    int apart = apart(first, rows);
    int copied = apart < 0 ? rows * x.stride : 0;
    int most = Math.min(Tile.panels(rows), to - from);
    int width = most * PackedMatrix.PANEL;
    Scratch scratch = step.scratch(share);
    float[] room = scratch.numbers(copied + 2 * rows * width);
    if (copied > 0) {
      for (int r = 0; r < rows; r++) {
        int row = x.row(groups.rowOf.data[first + r]);
        System.arraycopy(x.data, row, room, r * x.stride, x.cols);
      }
    }
    float[] in = copied > 0 ? room : x.data;
    int at = copied > 0 ? 0 : x.row(gathered ? first : groups.rowOf.data[first]);
    int stride = copied > 0 ? x.stride : apart * x.stride;
    for (int p = from; p < to; p += most) {
      int end = Math.min(to, p + most);
      int tile = (end - p) * PackedMatrix.PANEL;
      int upAt = copied + rows * tile;
      Tile.product(step, share, gate[e], in, at, stride, rows, room, copied, tile, p, end);
      Tile.product(step, share, up[e], in, at, stride, rows, room, upAt, tile, p, end);
      activate(step, room, copied, upAt, tile, first, rows, p);
    }
  }

  /** How many rows lie from one to the next, or -1 if they are not equally far apart. */
  private int apart(int first, int rows) {
    if (gathered || rows == 1) {
      return 1;
    }
    int[] rowOf = groups.rowOf.data;
    int apart = rowOf[first + 1] - rowOf[first];
    for (int r = 2; r < rows; r++) {
      if (rowOf[first + r] - rowOf[first + r - 1] != apart) {
        return -1;
      }
    }
    return apart; // 0 if the table names the expert twice for one row
  }

  private void activate(
      Step step, float[] room, int gateAt, int upAt, int width, int first, int rows, int panel) {
    int col = panel * PackedMatrix.PANEL;
    int cols = Math.min(width, y.cols - col);
    for (int r = 0; r < rows; r++) {
      int g = gateAt + r * width;
      int u = upAt + r * width;
      SwiGlu.row(step, room, g, room, u, limit, y.data, y.row(first + r) + col, cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return gathered ? List.of(x, groups.start) : List.of(x, groups.start, groups.rowOf);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return (long) groups.assignments(step) * gate[0].out * (2L * gate[0].in + 16);
  }

  @Override
  public String line() {
    String rows = gathered ? "" : " [rows by expert]";
    return y + " = " + gate.length + " experts silu " + gate[0] + " · x * up · x, x = " + x + rows;
  }
}
