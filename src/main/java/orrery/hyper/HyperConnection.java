package orrery.hyper;

import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * The connection of one sublayer to the {@code n} residual streams of a token: {@link #collapse}
 * mixes them into the sublayer's one input, {@link #expand} adds its output to all of them and
 * mixes them with each other.
 *
 * <pre>
 *   (pre, post, comb) = weights of X          y = Σ_j pre_j · X_j
 *   a = sublayer(norm(y))                     X_k = post_k · a + Σ_j comb[j][k] · X_j
 * </pre>
 *
 * <p>"Hyper-Connections", Zhu et al., 2024; with comb made doubly stochastic: "mHC:
 * Manifold-Constrained Hyper-Connections", Xie et al., 2025.
 *
 * @param fn [(2 + n) · n][n · hidden] from the streams to n logits of pre, n of post, n · n of comb
 * @param base [(2 + n) · n] is added to these logits
 * @param scale [3] multiplies the logits of pre, post and comb
 * @param streams n
 * @param hidden values of one stream
 * @param iterations how often the columns of comb are normalised
 * @param hcEps is added to pre, to comb's softmax and to the sums that divide comb
 * @param normEps of the root mean square of the streams
 * @throws IllegalArgumentException if the shapes do not fit, or a number is not possible
 */
public record HyperConnection(
    PackedMatrix fn,
    float[] base,
    float[] scale,
    int streams,
    int hidden,
    int iterations,
    float hcEps,
    float normEps) {
  public HyperConnection {
    int weights = (2 + streams) * streams;
    if (streams < 1 || iterations < 1) {
      throw new IllegalArgumentException(
          "hyper-connection: expected at least 1 stream and 1 iteration, found "
              + streams
              + " and "
              + iterations);
    }
    if (fn.out != weights
        || fn.in != streams * hidden
        || base.length != weights
        || scale.length != 3) {
      throw new IllegalArgumentException(
          "hyper-connection of "
              + streams
              + " x "
              + hidden
              + ": fn "
              + fn
              + ", base of "
              + base.length
              + ", scale of "
              + scale.length
              + ": shapes do not fit");
    }
  }

  /**
   * Buffers for the weights of up to {@code maxRows} rows; all connections of a model share them.
   */
  public static final class Space {
    final Buffer dots;
    final Buffer pre;
    final Buffer post;
    final Buffer comb;

    /** The most floats that its ops have in the scratch of a thread. */
    public static long opScratch(int hidden, int streams) {
      return Tile.floats((2 + streams) * streams) + streams + hidden;
    }

    /** Bytes for each row. */
    public static long bytes(int streams) {
      return Buffer.bytes((2 + streams) * streams)
          + 2 * Buffer.bytes(streams)
          + Buffer.bytes(streams * streams);
    }

    /** Makes the buffers; {@code rows} says how many of their rows are in use. */
    public Space(RowCount rows, int maxRows, int streams) {
      dots = new Buffer("hyper", rows, maxRows, (2 + streams) * streams);
      pre = new Buffer("pre", rows, maxRows, streams);
      post = new Buffer("post", rows, maxRows, streams);
      comb = new Buffer("comb", rows, maxRows, streams * streams);
    }
  }

  /**
   * y = the sublayer's input; the space then holds the weights that {@link #expand} needs.
   *
   * @param x [rows][streams · hidden]
   * @param y [rows][hidden]
   */
  public void collapse(Launcher g, Buffer x, Space s, Buffer y) {
    g.matmul(x, fn, s.dots);
    g.launch(new MixWeights(this, x, s.dots, s.pre, s.post, s.comb));
    g.launch(new Collapse(x, s.pre, y));
  }

  /**
   * x = its streams mixed, plus the sublayer's output.
   *
   * @param a [rows][hidden]
   * @param x [rows][streams · hidden]
   */
  public void expand(Launcher g, Buffer a, Buffer x, Space s) {
    g.launch(new Expand(a, s.post, s.comb, x));
  }
}
