package orrery.madeup;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.kv.PageTable;

/**
 * y[r] = sum of cached rows up to the slot of r: the newest row weighs 1, those before 1/2, 1/3 …
 *
 * @param first the first slot that a slot reads
 * @param every only tokens that complete a group of so many get a sum, the others 0
 */
record MixRows(RowStream from, IntUnaryOperator first, int every, Buffer y) implements Op {
  /** Even a few rows are to be computed by several threads. */
  static final long WORTH_SPLITTING = 1 << 20;

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      Arrays.fill(y.data, y.row(r), y.row(r) + y.cols, 0);
      if ((step.slot[r] + 1) % every == 0) {
        sum(step.slot[r], from.table(step, r), y.row(r));
      }
    }
  }

  private void sum(int slot, PageTable table, int to) {
    int per = from.tokensPerRow();
    int last = (slot + 1) / per * per - 1; // slot of the newest complete row
    for (int s = first.applyAsInt(slot) + per - 1; s <= last; s += per) {
      int at = from.at(table, s);
      requireRow(table, s, slot);
      float weight = 1f / (1 + (last - s) / per);
      for (int i = 0; i < y.cols; i++) {
        y.data[to + i] = Math.fma(weight, from.rows().data()[at + i], y.data[to + i]);
      }
    }
  }

  /** Refuses another slot's row and the NaN of free pages; the table of padding has no pages. */
  private void requireRow(PageTable table, int s, int slot) {
    float found = from.tag(table, s);
    if (found != s && table.end(from.pool()) > 0) {
      throw new IllegalStateException(
          "slot "
              + slot
              + " reads the row of slot "
              + s
              + " in pool "
              + from.pool()
              + ", but found "
              + found
              + " in page "
              + table.pages(from.pool())[s / from.span()]);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(from.rows(), StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return WORTH_SPLITTING;
  }

  @Override
  public String line() {
    return y + " = sum of cached rows";
  }
}
