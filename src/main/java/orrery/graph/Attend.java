package orrery.graph;

import orrery.kernels.AttentionShape;

/**
 * out[r] = attention of q[r] over the slots [firstSlot, slot of r] of its sequence. Parts take
 * turns at (row, key/value head) pairs, since later rows of a prompt see more.
 */
record Attend(Buffer q, LayerKv kv, Buffer out) implements Op {
  Attend {
    AttentionShape s = kv.shape();
    if (q.cols != s.heads() * s.headDim() || out.cols != s.heads() * s.valueDim()) {
      throw new IllegalArgumentException(out + " = attention of " + q + " with " + s);
    }
  }

  @Override
  public void run(Step step, int part, int parts) {
    int kvHeads = kv.shape().kvHeads();
    int items = q.rows(step) * kvHeads;
    for (int i = part; i < items; i += parts) {
      int r = i / kvHeads;
      int head = i % kvHeads;
      int[] pages = step.tables[step.sequence[r]].pages(kv.pool());
      step.kernels()
          .attend(
              kv.shape(),
              q.data,
              q.row(r),
              kv.keys(),
              kv.values(),
              pages,
              0,
              kv.firstSlot(),
              step.slot[r],
              head,
              head + 1,
              out.data,
              out.row(r),
              step.scratch(part));
    }
  }

  @Override
  public long cost(Step step) {
    long slots = 0;
    for (int r = 0; r < q.rows(step); r++) {
      slots += step.slot[r] + 1 - kv.firstSlot();
    }
    return slots * (q.cols + out.cols);
  }

  @Override
  public String line() {
    AttentionShape s = kv.shape();
    return out + " = attention " + q + " over pages of " + s.pageTokens() + ", group " + s.group();
  }
}
