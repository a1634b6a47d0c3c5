package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;

/**
 * Rotates the last 2 · pairs columns of each head by the row's position, in place. Shares take
 * heads, so that a single row can be split too, or rows.
 */
record RopeTail(Buffer x, int heads, RopeTable table, boolean cutByRows) implements Op {
  RopeTail {
    if (x.cols % heads != 0 || 2 * table.pairs() > x.cols / heads) {
      throw new IllegalArgumentException(
          "rope of the last "
              + table.pairs()
              + " pairs of "
              + heads
              + " heads of "
              + x
              + ": shapes do not fit");
    }
  }

  RopeTail(Buffer x, int heads, RopeTable table) {
    this(x, heads, table, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int headDim = x.cols / heads;
    int each = cutByRows ? heads : 1; // heads that stay together
    int items = x.rows(step) * heads / each;
    int to = items * (share + 1) / shares * each;
    for (int i = items * share / shares * each; i < to; i++) {
      int row = i / heads;
      rotate(step, table, x.data, x.row(row) + i % heads * headDim, headDim, step.position[row]);
    }
  }

  /** Rotates the last columns of one head, which begins at {@code at}. */
  static void rotate(Step step, RopeTable table, float[] x, int at, int headDim, int position) {
    int pairs = table.pairs();
    step.kernels()
        .rope(
            x,
            at + headDim - 2 * pairs,
            table.cos(),
            table.sin(),
            position * pairs,
            pairs,
            table.interleaved());
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.POSITION);
  }

  @Override
  public List<Operand> writes() {
    return List.of(x);
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? x.rowCount() : null;
  }

  @Override
  public RopeTail cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, 0) ? new RopeTail(x, heads, table, true) : this;
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * heads * table.pairs() * 4;
  }

  @Override
  public String line() {
    String way = table.back() ? " = rope back " : " = rope ";
    return x + way + heads + " heads, last " + table.pairs() + " pairs";
  }
}
