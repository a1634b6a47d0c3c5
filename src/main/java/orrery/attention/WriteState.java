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
 * Writes what a compressor needs of each row to the row's slot: the vector a, then the gate with
 * what is added for the row's place among the tokens of its entry.
 */
record WriteState(Buffer a, Buffer gate, Compressor compressor, StreamRows state) implements Op {
  WriteState {
    int width = compressor.width();
    if (a.cols != width
        || gate.cols != width
        || state.width() != 2 * width
        || state.tokensPerRow() != 1) {
      throw new IllegalArgumentException(
          state + " of width " + state.width() + " = " + a + ", " + gate + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int width = a.cols;
    float[] to = state.data();
    int rows = a.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      int slot = step.slot[r];
      int at = state.at(state.pages(step, r), slot);
      System.arraycopy(a.data, a.row(r), to, at, width);
      System.arraycopy(gate.data, gate.row(r), to, at + width, width);
      int place = slot % compressor.ratio();
      step.kernels().add(compressor.ape(), place * width, to, at + width, width);
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(a, gate, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(state);
  }

  @Override
  public RowCount rowwise() {
    return a.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) a.rows(step) * a.cols / 2;
  }

  @Override
  public String line() {
    return state + "[slot] = " + a + " | " + gate + " + ape[slot % " + compressor.ratio() + "]";
  }
}
