package orrery.moe;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.FusionRule;
import orrery.graph.Grid;
import orrery.graph.InputRows;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Ops;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.SwiGlu;
import orrery.graph.TakesNorm;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * y = silu(gate · x) · (up · x). The same panels of both products are computed, and activated while
 * they are in the cache.
 *
 * @param input [rows][hidden]
 * @param gate [intermediate][hidden]
 * @param up [intermediate][hidden]
 * @param limit as in {@link SwiGlu}
 * @param y [rows][intermediate]
 * @param cutByRows whether shares take rows, and not panels of outputs
 */
record GateUp(
    InputRows input, PackedMatrix gate, PackedMatrix up, float limit, Buffer y, boolean cutByRows)
    implements TakesNorm {
  /** Two products of the same rows, and their SwiGLU. */
  static final FusionRule RULE =
      new FusionRule() {
        @Override
        public String name() {
          return "gate + up + SwiGLU";
        }

        @Override
        public Match match(Ops ops, int last) {
          if (ops.get(last) instanceof SwiGlu s) {
            int gate = ops.writer(s.gate(), last);
            int up = ops.writer(s.up(), last);
            if (gate < up
                && ops.get(gate) instanceof MatMul g
                && ops.get(up) instanceof MatMul u
                && g.x() == u.x()) {
              Op fused = new GateUp(InputRows.of(g.x()), g.w(), u.w(), s.limit(), s.y(), false);
              return new Match(fused, gate, up, last);
            }
          }
          return null;
        }
      };

  @Override
  public TakesNorm with(InputRows input) {
    return new GateUp(input, gate, up, limit, y, cutByRows);
  }

  /** The most floats of scratch: normed or gathered rows, and two tiles. */
  static long scratch(int hidden) {
    return Tile.floats(hidden) + 2L * Tile.FLOATS;
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    if (cutByRows) {
      some(step, share, rows * share / shares, rows * (share + 1) / shares, 0, gate.panels);
    } else {
      int columns = Grid.columns(rows, gate.panels, shares, step.threads());
      int first = Grid.firstRow(rows, share, columns, shares);
      int end = Grid.lastRow(rows, share, columns, shares);
      int to = Grid.last(gate.panels, share, columns);
      some(step, share, first, end, Grid.first(gate.panels, share, columns), to);
    }
  }

  private void some(Step step, int share, int first, int end, int from, int to) {
    for (int r = first; from < to && r < end; r += Tile.ROWS) {
      int n = Math.min(Tile.ROWS, end - r);
      int room = input.room(n);
      int most = Tile.panels(n);
      int half = n * most * PackedMatrix.PANEL;
      float[] scratch = step.scratch(share).numbers(room + 2 * half);
      input.load(step, share, r, n, scratch, 0);
      for (int p = from; p < to; p += most) {
        activate(step, share, r, n, p, Math.min(to, p + most), scratch, room);
      }
    }
  }

  private void activate(
      Step step, int share, int row, int rows, int from, int to, float[] scratch, int gateAt) {
    float[] x = input.data(scratch);
    int xAt = input.at(row, 0);
    int xStride = input.x().stride;
    int width = (to - from) * PackedMatrix.PANEL;
    int upAt = gateAt + rows * width;
    Tile.product(step, share, gate, x, xAt, xStride, rows, scratch, gateAt, width, from, to);
    Tile.product(step, share, up, x, xAt, xStride, rows, scratch, upAt, width, from, to);
    int first = from * PackedMatrix.PANEL;
    int cols = Math.min(width, y.cols - first);
    for (int r = 0; r < rows; r++) {
      int g = gateAt + r * width;
      int u = upAt + r * width;
      SwiGlu.row(step, scratch, g, scratch, u, limit, y.data, y.row(row + r) + first, cols);
    }
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? y.rowCount() : null;
  }

  @Override
  public GateUp cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, 2 * gate.weights())
        ? new GateUp(input, gate, up, limit, y, true)
        : this;
  }

  @Override
  public List<Operand> reads() {
    return List.of(input.x());
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return (long) y.rows(step) * gate.out * (2L * gate.in + 16);
  }

  @Override
  public String line() {
    return y + " = silu " + gate + " · x * " + up + " · x, x = " + input;
  }
}
