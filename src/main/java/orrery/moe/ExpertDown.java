package orrery.moe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * y[r] = Σ weight · (down · act) + down_shared · act_shared, or added to y[r] in place. Shares take
 * panels of outputs, through all experts.
 *
 * <p>The experts are computed in ascending id, as {@link Combine} sums them. So each output is the
 * same fma chain, and no assignment's output is kept longer than until the next expert.
 *
 * @param act [assignments][intermediate]
 * @param down [experts], each [hidden][intermediate]
 * @param sharedAct [rows][shared intermediate], or null if nothing else is added
 * @param sharedDown [hidden][shared intermediate], or null
 * @param adds whether y keeps what it held, as a residual stream does
 * @param y [rows][hidden]
 */
record ExpertDown(
    Buffer act,
    PackedMatrix[] down,
    ExpertGroups groups,
    Buffer sharedAct,
    PackedMatrix sharedDown,
    boolean adds,
    Buffer y)
    implements Op {

  @Override
  public void run(Step step, int share, int shares) {
    listPlaces(step, share);
    int to = Tile.from(down[0].panels, share + 1, shares);
    int most = Tile.panels(y.rows(step));
    for (int p = Tile.from(down[0].panels, share, shares); p < to; p += most) {
      columns(step, share, p, Math.min(to, p + most));
    }
  }

  /** Lists, in the scratch of a share, which (row, j) each assignment is of: row · topK + j. */
  private void listPlaces(Step step, int share) {
    int[] assignmentOf = groups.assignmentOf.data;
    int n = groups.assignments(step);
    int[] places = step.scratch(share).rows(n); // [assignments]
    for (int i = 0; i < n; i++) {
      places[assignmentOf[i]] = i;
    }
  }

  private void columns(Step step, int share, int from, int to) {
    int width = (to - from) * PackedMatrix.PANEL;
    int rows = y.rows(step);
    int sums = rows * width; // the sums of all rows, and behind them the tile of one expert
    int most = Math.min(rows, Tile.ROWS);
    float[] room = step.scratch(share).numbers(sums + most * width);
    Arrays.fill(room, 0, sums, 0f);
    int[] start = groups.start.data;
    for (int e = 0; e < down.length; e++) {
      for (int a = start[e]; a < start[e + 1]; a += most) {
        int n = Math.min(most, start[e + 1] - a);
        expert(step, share, e, a, n, room, sums, width, from, to);
      }
    }
    for (int r = 0; r < rows; r += Tile.ROWS) {
      finish(step, share, r, Math.min(Tile.ROWS, rows - r), room, sums, width, from, to);
    }
  }

  private void expert(
      Step step,
      int share,
      int e,
      int first,
      int rows,
      float[] room,
      int tileAt,
      int width,
      int from,
      int to) {
    int at = act.row(first);
    Tile.product(
        step, share, down[e], act.data, at, act.stride, rows, room, tileAt, width, from, to);
    int topK = groups.spec.topK();
    int[] places = step.scratch(share).rows(groups.assignments(step));
    for (int i = 0; i < rows; i++) {
      int row = places[first + i] / topK;
      float weight =
          groups.topkWeights.data[groups.topkWeights.row(row) + places[first + i] % topK];
      step.kernels().addScaled(weight, room, tileAt + i * width, room, row * width, width);
    }
  }

  /** Adds the shared expert to the sums of some rows, and brings them to y. */
  private void finish(
      Step step,
      int share,
      int row,
      int rows,
      float[] room,
      int tileAt,
      int width,
      int from,
      int to) {
    if (sharedAct != null) {
      int at = sharedAct.row(row);
      int stride = sharedAct.stride;
      Tile.product(
          step, share, sharedDown, sharedAct.data, at, stride, rows, room, tileAt, width, from, to);
      step.kernels().add(room, tileAt, room, row * width, rows * width);
    }
    int col = from * PackedMatrix.PANEL;
    int cols = Math.min(width, y.cols - col);
    for (int r = row; r < row + rows; r++) {
      if (adds) {
        step.kernels().add(room, r * width, y.data, y.row(r) + col, cols);
      } else {
        System.arraycopy(room, r * width, y.data, y.row(r) + col, cols);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    List<Operand> reads = new ArrayList<>();
    reads.addAll(List.of(act, groups.start, groups.assignmentOf, groups.topkWeights));
    if (sharedAct != null) {
      reads.add(sharedAct);
    }
    if (adds) {
      reads.add(y);
    }
    return reads;
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    long shared = sharedAct == null ? 0 : (long) y.rows(step) * sharedDown.in * sharedDown.out;
    return (long) groups.assignments(step) * down[0].in * down[0].out + shared;
  }

  @Override
  public String line() {
    return y
        + (adds ? " += " : " = ")
        + "sum of weight * "
        + down.length
        + " experts "
        + down[0]
        + " · "
        + act
        + (sharedAct == null ? "" : " + " + sharedDown + " · " + sharedAct);
  }
}
