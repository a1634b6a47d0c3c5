package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.FusionRule;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Ops;
import orrery.graph.RmsNorm;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * Projects, norms and rotates each row, and writes it to its slot of a stream. The norm needs the
 * whole row, so shares take rows.
 *
 * @param x [rows][hidden]
 * @param w [width][hidden]
 * @param norm [width]
 */
record ProjectRow(Buffer x, PackedMatrix w, float[] norm, float eps, RopeTable rope, StreamRows to)
    implements Op {
  /**
   * The latent row of each token. With fewer rows than threads the product stays apart, since it
   * can be split by panels then and a row cannot.
   */
  record Rule(int threads) implements FusionRule {
    @Override
    public String name() {
      return "latent rows: product + norm + rope + write";
    }

    @Override
    public Match match(Ops ops, int last) {
      if (!(ops.get(last) instanceof WriteRow write) || write.x().maxRows() < threads) {
        return null;
      }
      int rope = ops.writer(write.x(), last);
      int norm = ops.writer(write.x(), rope);
      int product = ops.writer(write.x(), norm);
      return ops.get(rope) instanceof RopeTail r
              && r.heads() == 1
              && ops.get(norm) instanceof RmsNorm n
              && n.x() == n.y()
              && n.heads() == 1
              && ops.get(product) instanceof MatMul m
          ? new Match(
              new ProjectRow(m.x(), m.w(), n.weight(), n.eps(), r.table(), write.to()),
              product,
              norm,
              rope,
              last)
          : null;
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    int end = rows * (share + 1) / shares;
    for (int r = rows * share / shares; r < end; r += Tile.ROWS) {
      some(step, share, r, Math.min(Tile.ROWS, end - r));
    }
  }

  private void some(Step step, int share, int first, int rows) {
    int stride = w.panels * PackedMatrix.PANEL;
    float[] y = step.scratch(share).numbers(rows * stride); // [rows][stride]
    Tile.product(step, share, w, x.data, x.row(first), x.stride, rows, y, 0, stride, 0, w.panels);
    for (int r = 0; r < rows; r++) {
      int at = r * stride;
      int row = first + r;
      step.kernels().rmsNorm(y, at, norm, 0, eps, w.out, y, at, step.scratch(share));
      RopeTail.rotate(step, rope, y, at, w.out, step.position[row]);
      to.stored().write(to.row(to.pages(step, row), step.slot[row]), y, at);
    }
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount();
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.POSITION, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(to);
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * w.in * w.out;
  }

  @Override
  public String line() {
    return to + "[slot] = rope rmsNorm " + w + " · " + x;
  }
}
