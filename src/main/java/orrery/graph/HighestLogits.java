package orrery.graph;

import java.util.Arrays;
import java.util.List;
import orrery.kernels.PackedMatrix;
import orrery.numerics.Highest;

/**
 * best[i][p] = the token with the highest logit of part p of row i, for the greedy rows of a step.
 * A part is {@value #PART} tokens. So a share that has computed some columns of the logits can find
 * the best of them, and {@link #token} looks at one logit of each part instead of all.
 *
 * <pre>
 *   logits   0.1 0.7 │ 0.7 0.2 │ 0.3 0.6        parts of two tokens
 *   best        1    │    2    │    5           token: 1, the lowest of several with 0.7
 * </pre>
 *
 * @param logits [logitRows][vocab]
 * @param best [logitRows][parts] a token id, {@link Highest#NAN} if a logit of the part is NaN, or
 *     {@link #NONE} if the row is not greedy
 */
public record HighestLogits(Buffer logits, IntBuffer best) implements Op {
  /** Tokens of a part: whole panels, and a whole number of parts fills a {@link Tile}. */
  static final int PART = 4 * PackedMatrix.PANEL;

  /** Multiply-adds that take about as long as one look at a number. */
  public static final int LOOK = 8;

  /** Stands in each part of a row that wants no highest logit. */
  public static final int NONE = -2;

  /** Finds the highest logits of some rows into a buffer that {@link #buffer} has made. */
  public HighestLogits {
    if (best.cols != parts(logits.cols) || best.rowCount() != logits.rowCount()) {
      throw new IllegalArgumentException(best + " = highest of " + logits + ": shapes do not fit");
    }
  }

  /** Of these logits, into a buffer of its own. */
  public static HighestLogits of(Buffer logits) {
    return new HighestLogits(logits, buffer(logits));
  }

  /** A buffer for the highest logits of so many parts as these rows have. */
  static IntBuffer buffer(Buffer logits) {
    return new IntBuffer("best", logits.rowCount(), logits.maxRows(), parts(logits.cols));
  }

  /** Bytes of one row of {@link #buffer}. */
  public static long bytes(int vocab) {
    return (long) Integer.BYTES * parts(vocab);
  }

  /** Parts of a row of logits. */
  public static int parts(int vocab) {
    return Math.ceilDiv(vocab, PART);
  }

  /**
   * The token with the highest logit of a row, the lowest of several. A negative result says that
   * the row has to be looked at: it was not greedy, or a logit is NaN, or all are −∞.
   */
  public int token(int row) {
    float highest = Float.NEGATIVE_INFINITY;
    int token = NONE;
    for (int p = row * best.cols; p < (row + 1) * best.cols; p++) {
      int found = best.data[p];
      if (found < 0) {
        return found;
      }
      float logit = logits.data[logits.row(row) + found];
      if (logit > highest) {
        highest = logit;
        token = found;
      }
    }
    return token;
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = logits.rows(step);
    int end = rows * (share + 1) / shares;
    find(step, logits, best, rows * share / shares, end, 0, best.cols);
  }

  /** Finds the highest logits of rows [first, end) in parts [from, to). */
  static void find(Step step, Buffer logits, IntBuffer best, int first, int end, int from, int to) {
    for (int i = first; i < end; i++) {
      int at = i * best.cols;
      if (!greedy(step, i)) {
        Arrays.fill(best.data, at + from, at + to, NONE);
        continue;
      }
      for (int p = from; p < to; p++) {
        int token = p * PART;
        int n = Math.min(PART, logits.cols - token);
        int place = Highest.of(logits.data, logits.row(i) + token, n);
        best.data[at + p] = place == Highest.NAN ? Highest.NAN : token + place;
      }
    }
  }

  /** Whether row i of those that want logits wants only the highest. */
  static boolean greedy(Step step, int i) {
    return step.greedy[step.logitRow[i]] != 0;
  }

  @Override
  public List<Operand> reads() {
    return List.of(logits, StepField.LOGIT_ROW, StepField.GREEDY);
  }

  @Override
  public List<Operand> writes() {
    return List.of(best);
  }

  @Override
  public RowCount rowwise() {
    return logits.rowCount();
  }

  @Override
  public long cost(Step step) {
    long numbers = 0;
    for (int i = 0; i < logits.rows(step); i++) {
      numbers += greedy(step, i) ? logits.cols : best.cols;
    }
    return LOOK * numbers;
  }

  @Override
  public String line() {
    return best + " = highest of " + logits + " [greedy rows]";
  }
}
