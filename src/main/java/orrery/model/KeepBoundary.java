package orrery.model;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;

/** boundary[page of r] = x[r], for rows at the last slot of their page. */
public record KeepBoundary(Buffer x, BoundaryKv boundary) implements Op {
  public KeepBoundary {
    if (x.cols != boundary.width()) {
      throw new IllegalArgumentException(
          "boundary of " + boundary.width() + " = " + x + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      if (boundary.ends(step.slot[r])) {
        int to = boundary.row(step.tables[step.sequence[r]], step.slot[r]);
        System.arraycopy(x.data, x.row(r), boundary.rows(), to, x.cols);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(boundary.stream());
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * x.cols / boundary.pageTokens();
  }

  @Override
  public String line() {
    return "boundary[page] = " + x + " of rows that end a page of " + boundary.pageTokens();
  }
}
