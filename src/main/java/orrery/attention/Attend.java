package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.kernels.AttentionShape;

/**
 * out[r] = attention of q[r] over the slots [firstSlot, slot of r] of its sequence. Consecutive
 * rows of one sequence are computed together as a tile, so that keys and values are loaded once for
 * all of them. Shares take turns at the pairs (tile of rows, key/value head), because later rows of
 * a prompt see more slots and cost more.
 *
 * <p>A tile that is all of its sequence's rows, as in decoding, waits for memory more than it
 * computes. If there are enough of them, each is taken with all its heads by one share: then the
 * kernel reads the pages in the order in which they lie in memory.
 */
record Attend(Buffer q, LayerKv kv, Buffer out) implements Op {
  private static final int TILE_ROWS = 4;

  Attend {
    AttentionShape s = kv.shape();
    if (q.cols != s.heads() * s.headDim() || out.cols != s.heads() * s.valueDim()) {
      throw new IllegalArgumentException(out + " = attention of " + q + " with " + s);
    }
  }

  /** Bytes of attention scores for each slot and thread; they grow to powers of two. */
  static long scratchBytes(AttentionShape shape) {
    return 2 * 4L * TILE_ROWS * shape.group();
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = q.rows(step);
    int kvHeads = kv.shape().kvHeads();
    boolean many = WholeSequences.enough(step, rows, shares);
    int item = 0;
    for (int r = 0, n; r < rows; r += n) {
      n = tile(step, r, rows);
      int heads = many && WholeSequences.isOne(step, r, n, rows) ? kvHeads : 1;
      for (int head = 0; head < kvHeads; head += heads) {
        if (item++ % shares == share) {
          attend(step, r, n, head, head + heads, share);
        }
      }
    }
  }

  /** How many rows from r on lie in consecutive slots of one sequence. */
  private static int tile(Step step, int r, int rows) {
    int n = 1;
    while (n < TILE_ROWS
        && r + n < rows
        && step.sequence[r + n] == step.sequence[r]
        && step.slot[r + n] == step.slot[r] + n) {
      n++;
    }
    return n;
  }

  private void attend(Step step, int r, int n, int from, int to, int share) {
    step.kernels()
        .attend(
            kv.shape(),
            q.data,
            q.row(r),
            q.stride,
            n,
            kv.keys().stored(),
            kv.values().stored(),
            kv.pages(step.tables[step.sequence[r]]),
            kv.firstSlot(),
            step.slot[r],
            from,
            to,
            out.data,
            out.row(r),
            out.stride,
            step.scratch(share));
  }

  @Override
  public List<Operand> reads() {
    return List.of(q, kv.keys(), kv.values(), StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(out);
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
