package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;

/**
 * Writes each row to its slot of a stream, rounded as the stream's format says; no two rows of a
 * step have the same slot.
 */
record WriteRow(Buffer x, StreamRows to) implements Op {
  WriteRow {
    if (x.cols != to.width() || to.tokensPerRow() != 1) {
      throw new IllegalArgumentException(
          to
              + " of width "
              + to.width()
              + ", "
              + to.tokensPerRow()
              + " tokens a row, = "
              + x
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      to.stored().write(to.row(to.pages(step, r), step.slot[r]), x.data, x.row(r));
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(to);
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * x.cols / 8;
  }

  @Override
  public String line() {
    return to + "[slot] = " + x;
  }
}
