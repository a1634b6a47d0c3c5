package orrery.attention;

import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;
import orrery.kernels.LatentKernels;
import orrery.kernels.Scratch;

/**
 * selected[r] = the entries with the best scores among those that row r sees, in increasing order.
 * Of equal scores the lower entry wins. If the row sees no more than it may select, it takes all of
 * them, and computes no score. Places that stay empty hold −1.
 *
 * @param q [rows][heads*headDim]
 * @param weights [rows][heads]
 * @param keys one key for each entry
 * @param selected [rows][topk]
 */
record SelectEntries(Buffer q, Buffer weights, StreamRows keys, IntBuffer selected) implements Op {
  SelectEntries {
    if (q.cols != weights.cols * keys.width()) {
      throw new IllegalArgumentException(
          selected
              + " = top of "
              + q
              + " · "
              + keys
              + " of width "
              + keys.width()
              + ", "
              + weights
              + ": shapes do not fit");
    }
  }

  /** Bytes of a thread's list of keys, of their scores and of what orders these. */
  static long scratchBytes(int entries) {
    return 2 * 4L * 3 * entries;
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = q.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      int visible = LatentKv.entries(keys, step.slot[r]);
      int n = Math.min(visible, selected.cols);
      int at = r * selected.cols;
      if (n < visible) {
        select(step, r, visible, share);
      } else {
        for (int i = 0; i < n; i++) {
          selected.data[at + i] = i;
        }
      }
      Arrays.fill(selected.data, at + n, at + selected.cols, -1);
    }
  }

  private void select(Step step, int r, int visible, int share) {
    Scratch scratch = step.scratch(share);
    int[] rows = scratch.rows(visible); // [visible]
    float[] scores = scratch.numbers(visible); // [visible]
    int[] pages = keys.pages(step, r);
    for (int w = 0; w < visible; w++) {
      rows[w] = keys.row(pages, w * keys.tokensPerRow());
    }
    LatentKernels kernels = step.kernels().latent();
    kernels.indexScores(
        q.data,
        q.row(r),
        weights.cols,
        keys.width(),
        weights.data,
        weights.row(r),
        scale(),
        keys.stored(),
        rows,
        visible,
        scores,
        0,
        scratch);
    int topk = selected.cols;
    kernels.select(scores, 0, visible, topk, selected.data, r * topk, scratch);
  }

  /** 1 / √headDim, as in attention, and 1 / √heads. */
  private float scale() {
    return (float) (1 / Math.sqrt((double) keys.width() * weights.cols));
  }

  @Override
  public List<Operand> reads() {
    return List.of(q, weights, keys, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(selected);
  }

  @Override
  public RowCount rowwise() {
    return q.rowCount();
  }

  @Override
  public long cost(Step step) {
    long scores = 0;
    for (int r = 0; r < q.rows(step); r++) {
      int visible = LatentKv.entries(keys, step.slot[r]);
      scores += visible > selected.cols ? visible : 0;
    }
    return scores * q.cols;
  }

  @Override
  public String line() {
    return selected + " = top " + selected.cols + " of relu(" + q + " · " + keys + ") · " + weights;
  }
}
