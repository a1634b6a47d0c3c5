package orrery.moe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Grid;
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
 * same fma chain, and no assignment's output is kept longer than until the next expert. The sums of
 * many rows would leave the cache, so rows are taken in blocks.
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
  private static final int BLOCK = 2 * Tile.ROWS;

  /** The most floats of scratch: the sums of a block of rows, and the tile of one expert. */
  static long scratch() {
    return (long) BLOCK / Tile.ROWS * Tile.FLOATS + Tile.FLOATS;
  }

  @Override
  public void run(Step step, int share, int shares) {
    listPlaces(step, share);
    int rows = y.rows(step);
    int panels = down[0].panels;
    int ofExpert = Math.ceilDiv(groups.assignments(step), down.length);
    int columns = Grid.columns(ofExpert, panels, shares, step.threads());
    int first = Grid.firstRow(rows, share, columns, shares);
    int end = Grid.lastRow(rows, share, columns, shares);
    int to = Grid.last(panels, share, columns);
    int most = Tile.panels(rows);
    for (int p = Grid.first(panels, share, columns); first < end && p < to; p += most) {
      for (int r = first; r < end; r += BLOCK) {
        columns(step, share, r, Math.min(end, r + BLOCK), p, Math.min(to, p + most));
      }
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

  /** Panels [from, to) of rows [begin, end). */
  private void columns(Step step, int share, int begin, int end, int from, int to) {
    int width = (to - from) * PackedMatrix.PANEL;
    int rows = end - begin;
    int sums = rows * width; // the sums of all rows, and behind them the tile of one expert
    int most = Math.min(rows, Tile.ROWS);
    float[] room = step.scratch(share).numbers(sums + most * width);
    Arrays.fill(room, 0, sums, 0f);
    int[] start = groups.start.data;
    for (int e = 0; e < down.length; e++) {
      int last = firstOf(step, share, start[e], start[e + 1], end);
      for (int a = firstOf(step, share, start[e], last, begin); a < last; a += most) {
        int n = Math.min(most, last - a);
        expert(step, share, e, a, n, begin, room, sums, width, from, to);
      }
    }
    for (int r = begin; r < end; r += Tile.ROWS) {
      finish(step, share, r, Math.min(Tile.ROWS, end - r), begin, room, sums, width, from, to);
    }
  }

  /** The first of the assignments [from, to) of an expert that is of a row or a later one. */
  private int firstOf(Step step, int share, int from, int to, int row) {
    if (row == 0 || row == y.rows(step)) {
      return row == 0 ? from : to;
    }
    int[] places = step.scratch(share).rows(groups.assignments(step));
    int a = from;
    while (a < to && places[a] / groups.spec.topK() < row) {
      a++;
    }
    return a;
  }

  private void expert(
      Step step,
      int share,
      int e,
      int first,
      int rows,
      int begin,
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
      step.kernels()
          .addScaled(weight, room, tileAt + i * width, room, (row - begin) * width, width);
    }
  }

  /** Adds the shared expert to the sums of some rows, and brings them to y. */
  private void finish(
      Step step,
      int share,
      int row,
      int rows,
      int begin,
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
      step.kernels().add(room, tileAt, room, (row - begin) * width, rows * width);
    }
    int col = from * PackedMatrix.PANEL;
    int cols = Math.min(width, y.cols - col);
    for (int r = row; r < row + rows; r++) {
      int sum = (r - begin) * width;
      if (adds) {
        step.kernels().add(room, sum, y.data, y.row(r) + col, cols);
      } else {
        System.arraycopy(room, sum, y.data, y.row(r) + col, cols);
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

  /** A share takes its panels of every expert, so in small ones each product is of few outputs. */
  @Override
  public boolean fine() {
    return false;
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
