package orrery.hyper;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * x[r][k] = post_k · a[r] + Σ_j comb[j][k] · x[r][j], in place. Shares take blocks of 16 columns,
 * so that a single row can be split too, or rows.
 *
 * @param a [rows][hidden] what the sublayer computed
 * @param post [rows][n]
 * @param comb [rows][n · n]
 * @param x [rows][n · hidden] the streams
 * @param cutByRows whether shares take rows
 */
record Expand(Buffer a, Buffer post, Buffer comb, Buffer x, boolean cutByRows) implements Op {
  private static final int BLOCK = 16;

  Expand {
    if (x.cols != post.cols * a.cols || comb.cols != post.cols * post.cols) {
      throw new IllegalArgumentException(
          x + " = " + post + " * " + a + " + " + comb + " * " + x + ": shapes do not fit");
    }
  }

  Expand(Buffer a, Buffer post, Buffer comb, Buffer x) {
    this(a, post, comb, x, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int blocks = (a.cols + BLOCK - 1) / BLOCK; // of one row
    int each = cutByRows ? blocks : 1; // blocks that stay together
    long items = (long) x.rows(step) * blocks / each;
    int last = (int) (items * (share + 1) / shares) * each;
    for (int b = (int) (items * share / shares) * each; b < last; ) {
      int r = b / blocks;
      int end = Math.min(last, (r + 1) * blocks);
      int from = (b - r * blocks) * BLOCK;
      int to = Math.min(a.cols, (end - r * blocks) * BLOCK);
      mix(step, share, r, from, to);
      b = end;
    }
  }

  /** Mixes columns [from, to) of a row. */
  void mix(Step step, int share, int r, int from, int to) {
    step.kernels()
        .streams()
        .mix(
            a.data,
            a.row(r),
            post.data,
            post.row(r),
            comb.data,
            comb.row(r),
            x.data,
            x.row(r),
            post.cols,
            a.cols,
            from,
            to,
            step.scratch(share));
  }

  @Override
  public List<Operand> reads() {
    return List.of(a, post, comb, x);
  }

  @Override
  public List<Operand> writes() {
    return List.of(x);
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? x.rowCount() : null;
  }

  @Override
  public Expand cut(int rows, int threads) {
    return Cuts.byRows(rows, threads, 0) ? new Expand(a, post, comb, x, true) : this;
  }

  @Override
  public long cost(Step step) {
    return (long) x.rows(step) * x.cols * (post.cols + 1) / 2;
  }

  @Override
  public String line() {
    return "streams " + x + " = " + post + " * " + a + " + " + comb + "ᵀ * streams " + x;
  }
}
