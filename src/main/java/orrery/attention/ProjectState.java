package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.FusionRule;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Ops;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * Computes what a compressor needs of each row, a and the gate, and writes it to the row's slot.
 * Shares take panels, first those of a, then those of the gate.
 *
 * @param x [rows][hidden]
 */
record ProjectState(Buffer x, Compressor compressor, StreamRows state) implements Op {
  /** Both products of a compressor and the write of the state. */
  static final FusionRule RULE =
      new FusionRule() {
        @Override
        public String name() {
          return "compressor: both products + write";
        }

        @Override
        public Match match(Ops ops, int last) {
          if (!(ops.get(last) instanceof WriteState write)) {
            return null;
          }
          int a = ops.writer(write.a(), last);
          int gate = ops.writer(write.gate(), last);
          Compressor c = write.compressor();
          return a < gate
                  && ops.get(a) instanceof MatMul m
                  && ops.get(gate) instanceof MatMul g
                  && m.x() == g.x()
                  && m.w() == c.wkv()
                  && g.w() == c.wgate()
              ? new Match(new ProjectState(m.x(), c, write.state()), a, gate, last)
              : null;
        }
      };

  @Override
  public void run(Step step, int share, int shares) {
    int panels = compressor.wkv().panels; // of a, and as many of the gate
    int begin = 2 * panels * share / shares;
    int end = 2 * panels * (share + 1) / shares;
    int rows = x.rows(step);
    for (int r = 0; r < rows; r += Tile.ROWS) {
      int n = Math.min(Tile.ROWS, rows - r);
      some(step, share, r, n, begin, Math.min(panels, end), false);
      some(step, share, r, n, Math.max(0, begin - panels), end - panels, true);
    }
  }

  private void some(Step step, int share, int first, int rows, int begin, int end, boolean ofGate) {
    int most = Tile.panels(rows);
    for (int p = begin; p < end; p += most) {
      int to = Math.min(end, p + most);
      int width = (to - p) * PackedMatrix.PANEL;
      PackedMatrix w = ofGate ? compressor.wgate() : compressor.wkv();
      float[] tile = step.scratch(share).numbers(rows * width); // [rows][width]
      Tile.product(step, share, w, x.data, x.row(first), x.stride, rows, tile, 0, width, p, to);
      int col = p * PackedMatrix.PANEL;
      for (int r = 0; r < rows; r++) {
        write(step, first + r, tile, r * width, col, Math.min(width, w.out - col), ofGate);
      }
    }
  }

  private void write(
      Step step, int row, float[] tile, int from, int col, int cols, boolean ofGate) {
    int slot = step.slot[row];
    int width = compressor.width();
    int at = state.at(state.pages(step, row), slot) + col + (ofGate ? width : 0);
    System.arraycopy(tile, from, state.data(), at, cols);
    if (ofGate) {
      int place = slot % compressor.ratio();
      step.kernels().add(compressor.ape(), place * width + col, state.data(), at, cols);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(state);
  }

  @Override
  public long cost(Step step) {
    return 2L * x.rows(step) * compressor.wkv().in * compressor.width();
  }

  @Override
  public String line() {
    return state
        + "[slot] = "
        + compressor.wkv()
        + " · "
        + x
        + " | "
        + compressor.wgate()
        + " · "
        + x
        + " + ape[slot % "
        + compressor.ratio()
        + "]";
  }
}
