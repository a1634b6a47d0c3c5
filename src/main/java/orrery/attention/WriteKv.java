package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.kernels.AttentionShape;

/** Writes each row's keys and values to its slot; no two rows of a step have the same slot. */
record WriteKv(Buffer k, Buffer v, LayerKv kv) implements Op {
  WriteKv {
    if (k.cols != kv.shape().keyWidth() || v.cols != kv.shape().kvHeads() * kv.shape().valueDim()) {
      throw new IllegalArgumentException(
          "cache of " + kv.shape() + " = " + k + ", " + v + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    AttentionShape shape = kv.shape();
    int rows = k.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      int[] pages = kv.pages(step.tables[step.sequence[r]]);
      for (int h = 0; h < shape.kvHeads(); h++) {
        int key = k.row(r) + h * shape.headDim();
        shape.putKey(kv.keys().stored(), pages, step.slot[r], h, k.data, key);
        int value = v.row(r) + h * shape.valueDim();
        shape.putValue(kv.values().stored(), pages, step.slot[r], h, v.data, value);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(k, v, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(kv.keys(), kv.values());
  }

  @Override
  public RowCount rowwise() {
    return k.rowCount();
  }

  @Override
  public long cost(Step step) {
    return (long) k.rows(step) * (k.cols + v.cols);
  }

  @Override
  public String line() {
    return "cache[slot] = " + k + ", " + v;
  }
}
