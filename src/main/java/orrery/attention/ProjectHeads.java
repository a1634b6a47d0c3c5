package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.FusionRule;
import orrery.graph.Grid;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Ops;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.Tile;

/**
 * y[r] = heads of x[r], normed and rotated head by head. Shares take blocks of heads, or rows.
 *
 * @param x [rows][in]
 * @param y [rows][heads*dim]
 * @param cutByRows whether shares take rows
 */
record ProjectHeads(Buffer x, HeadProduct heads, Buffer y, boolean cutByRows) implements Op {
  /** Queries of latent attention and of its indexer. */
  static final FusionRule RULE =
      new FusionRule() {
        @Override
        public String name() {
          return "latent queries: product + unit norm + rope";
        }

        @Override
        public Match match(Ops ops, int last) {
          if (!(ops.get(last) instanceof RopeTail rope)) {
            return null;
          }
          int at = ops.writer(rope.x(), last);
          UnitNorm norm = ops.get(at) instanceof UnitNorm n && n.heads() == rope.heads() ? n : null;
          int product = norm == null ? at : ops.writer(rope.x(), at);
          if (!(ops.get(product) instanceof MatMul m) || m.x().rowCount() != m.y().rowCount()) {
            return null;
          }
          float eps = norm == null ? 0 : norm.eps();
          HeadProduct heads =
              new HeadProduct(
                  m.w(), rope.heads(), null, null, norm != null, eps, rope.table(), true);
          Op fused = new ProjectHeads(m.x(), heads, m.y(), false);
          return norm == null
              ? new Match(fused, product, last)
              : new Match(fused, product, at, last);
        }
      };

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    int blocks = heads.blocks();
    if (cutByRows) {
      some(step, share, rows * share / shares, rows * (share + 1) / shares, 0, blocks);
    } else {
      int columns = Grid.columns(rows, blocks, heads.blockPanels(), shares, step.threads());
      int first = Grid.firstRow(rows, share, columns, shares);
      int last = Grid.lastRow(rows, share, columns, shares);
      int to = Grid.last(blocks, share, columns);
      some(step, share, first, last, Grid.first(blocks, share, columns), to);
    }
  }

  private void some(Step step, int share, int first, int last, int from, int to) {
    for (int r = first; r < last; r += Tile.ROWS) {
      int n = Math.min(Tile.ROWS, last - r);
      int most = heads.together(n);
      for (int b = from; b < to; b += most) {
        int end = Math.min(to, b + most);
        int at = y.row(r) + heads.head(b) * heads.dim();
        heads.compute(step, share, b, end, r, n, x.data, x.row(r), x.stride, y.data, at, y.stride);
      }
    }
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? y.rowCount() : null;
  }

  @Override
  public ProjectHeads cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, heads.w().weights())
        ? new ProjectHeads(x, heads, y, true)
        : this;
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.POSITION);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return heads.cost(y.rows(step));
  }

  @Override
  public String line() {
    return heads.line(y) + " · " + x + " per head, " + heads.heads();
  }
}
