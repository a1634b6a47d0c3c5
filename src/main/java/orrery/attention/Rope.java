package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;

/** Rotates the first 2 · pairs columns of each head by the row's position, in place. */
record Rope(Buffer x, int heads, RopeTable table) implements Op {
  Rope {
    if (x.cols % heads != 0 || 2 * table.pairs() > x.cols / heads) {
      throw new IllegalArgumentException(
          "rope of "
              + heads
              + " heads, "
              + table.pairs()
              + " pairs, of "
              + x
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    int headDim = x.cols / heads;
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      int at = step.position[r] * table.pairs();
      for (int h = 0; h < heads; h++) {
        step.kernels()
            .rope(
                x.data,
                x.row(r) + h * headDim,
                table.cos(),
                table.sin(),
                at,
                table.pairs(),
                table.interleaved());
      }
    }
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
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * heads * table.pairs() * 4;
  }

  @Override
  public String line() {
    return x + " = rope " + heads + " heads, " + table.pairs() + " pairs";
  }
}
