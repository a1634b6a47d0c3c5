package orrery.hyper;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.numerics.Elementary;

/**
 * From the products of a row's streams to the weights of a hyper-connection.
 *
 * <pre>
 *   m = dots / √(mean(x²) + eps)
 *   pre_j  = sigmoid(m_j · scale_0 + base_j) + hcEps
 *   post_j = 2 · sigmoid(m_(n+j) · scale_1 + base_(n+j))
 *   comb   = sinkhorn(m_(2n+jn+k) · scale_2 + base_(2n+jn+k))      j rows, k columns
 * </pre>
 *
 * @param x [rows][n · hidden] the streams
 * @param dots [rows][(2 + n) · n] fn · x
 * @param pre [rows][n]
 * @param post [rows][n]
 * @param comb [rows][n · n]
 */
record MixWeights(HyperConnection site, Buffer x, Buffer dots, Buffer pre, Buffer post, Buffer comb)
    implements Op {
  MixWeights {
    int n = site.streams();
    if (x.cols != site.fn().in
        || dots.cols != site.fn().out
        || pre.cols != n
        || post.cols != n
        || comb.cols != n * n) {
      throw new IllegalArgumentException(
          pre
              + ", "
              + post
              + ", "
              + comb
              + " = weights of "
              + n
              + " streams of "
              + x
              + " by "
              + dots
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      row(step, share, r, dots.data, dots.row(r), pre.data, pre.row(r));
    }
  }

  /**
   * The weights of one row; post and comb go to their buffers.
   *
   * @param dots [(2 + n) · n] from {@code in}
   * @param pre receives [n] from {@code preAt}
   */
  void row(Step step, int share, int r, float[] dots, int in, float[] pre, int preAt) {
    float inverse =
        step.kernels().inverseRms(x.data, x.row(r), site.normEps(), x.cols, step.scratch(share));
    int n = site.streams();
    float[] base = site.base();
    float[] scale = site.scale();
    for (int j = 0; j < n; j++) {
      float m = dots[in + j] * inverse;
      pre[preAt + j] = Elementary.sigmoid(m * scale[0] + base[j]) + site.hcEps();
    }
    for (int j = 0; j < n; j++) {
      float m = dots[in + n + j] * inverse;
      post.data[post.row(r) + j] = 2f * Elementary.sigmoid(m * scale[1] + base[n + j]);
    }
    for (int jk = 0; jk < n * n; jk++) {
      float m = dots[in + 2 * n + jk] * inverse;
      comb.data[comb.row(r) + jk] = m * scale[2] + base[2 * n + jk];
    }
    Sinkhorn.balance(comb.data, comb.row(r), n, site.iterations(), site.hcEps());
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, dots);
  }

  @Override
  public List<Operand> writes() {
    return List.of(pre, post, comb);
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    long divisions = 2L * site.iterations() * comb.cols;
    return x.rows(step) * (x.cols + 16L * dots.cols + 4 * divisions);
  }

  @Override
  public String line() {
    return pre
        + ", "
        + post
        + ", "
        + comb
        + " = sigmoid, sigmoid, sinkhorn "
        + dots
        + " / rms "
        + x;
  }
}
