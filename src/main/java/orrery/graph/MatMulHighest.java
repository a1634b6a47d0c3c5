package orrery.graph;

import java.util.List;
import orrery.kernels.PackedMatrix;

/**
 * y[r] = W · x[r], and the highest of y[r] where the row is greedy: the head of a model, with the
 * part of sampling that is a reduction. The share that computes some columns looks at them while
 * they are in the cache. Shares take parts of the vocabulary, or rows. What is left is one number
 * for each part, which {@link HighestLogits#token} compares.
 *
 * <p>For a step without greedy rows it is the plain product.
 *
 * @param x [logitRows][in]
 * @param w [vocab][in]
 * @param y [logitRows][vocab]
 * @param best [logitRows][parts] as in {@link HighestLogits}
 * @param cutByRows whether shares take rows, and not parts
 */
public record MatMulHighest(Buffer x, PackedMatrix w, Buffer y, IntBuffer best, boolean cutByRows)
    implements Op {
  private static final int PANELS = HighestLogits.PART / PackedMatrix.PANEL; // of a part

  /** The product that makes logits, and the op that looks for the highest of them. */
  public static final FusionRule RULE =
      new FusionRule() {
        @Override
        public String name() {
          return "head + highest logit";
        }

        @Override
        public Match match(Ops ops, int last) {
          if (ops.get(last) instanceof HighestLogits h) {
            int at = ops.writer(h.logits(), last);
            if (ops.get(at) instanceof MatMul m) {
              return new Match(new MatMulHighest(m.x(), m.w(), m.y(), h.best(), false), at, last);
            }
          }
          return null;
        }
      };

  @Override
  public void run(Step step, int share, int shares) {
    int rows = y.rows(step);
    int parts = best.cols;
    if (cutByRows) {
      part(step, share, rows * share / shares, rows * (share + 1) / shares, 0, parts);
    } else {
      part(step, share, 0, rows, parts * share / shares, parts * (share + 1) / shares);
    }
  }

  /** Rows [first, end) of parts [from, to). */
  private void part(Step step, int share, int first, int end, int from, int to) {
    int together = anyGreedy(step, first, end) ? Tile.panels(end - first) / PANELS : to - from;
    for (int p = from; p < to; p += together) {
      int next = Math.min(to, p + together);
      product(step, share, first, end - first, p * PANELS, Math.min(w.panels, next * PANELS));
      HighestLogits.find(step, y, best, first, end, p, next);
    }
  }

  private void product(Step step, int share, int first, int rows, int from, int to) {
    int at = y.row(first) + from * PackedMatrix.PANEL;
    Tile.product(
        step, share, w, x.data, x.row(first), x.stride, rows, y.data, at, y.stride, from, to);
  }

  private static boolean anyGreedy(Step step, int first, int end) {
    for (int i = first; i < end; i++) {
      if (HighestLogits.greedy(step, i)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? y.rowCount() : null;
  }

  @Override
  public MatMulHighest cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, w.weights()) ? new MatMulHighest(x, w, y, best, true) : this;
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, StepField.LOGIT_ROW, StepField.GREEDY);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y, best);
  }

  @Override
  public long cost(Step step) {
    return (long) y.rows(step) * w.in * w.out;
  }

  @Override
  public String line() {
    return y + " = " + w + " · " + x + ", " + best + " = highest [greedy rows]";
  }
}
