package orrery.madeup;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;

/** cache[slot of r] = x[r] and the slot, for rows at the last slot of a row of the stream. */
record WriteRows(Buffer x, RowStream to) implements Op {
  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      int slot = step.slot[r];
      if (to.rows().completes(slot)) {
        int at = to.at(to.table(step, r), slot);
        System.arraycopy(x.data, x.row(r), to.rows().data(), at, x.cols);
        to.rows().data()[at + x.cols] = slot;
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(to.rows());
  }

  @Override
  public long cost(Step step) {
    return MixRows.WORTH_SPLITTING;
  }

  @Override
  public String line() {
    return "cache[slot] = " + x;
  }
}
