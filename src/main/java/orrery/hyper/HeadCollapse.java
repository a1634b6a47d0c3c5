package orrery.hyper;

import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.kernels.PackedMatrix;

/**
 * From the streams behind the last layer to the one vector that the head reads: y = Σ_j pre_j ·
 * X_j, with weights as those of a {@link HyperConnection}, but with no way back.
 *
 * @param fn [n][n · hidden]
 * @param base [n]
 * @param scale [1]
 * @param streams n
 * @param hidden values of one stream
 * @param hcEps is added to pre
 * @param normEps of the root mean square of the streams
 * @throws IllegalArgumentException if the shapes do not fit
 */
public record HeadCollapse(
    PackedMatrix fn,
    float[] base,
    float[] scale,
    int streams,
    int hidden,
    float hcEps,
    float normEps) {
  public HeadCollapse {
    if (fn.out != streams
        || fn.in != streams * hidden
        || base.length != streams
        || scale.length != 1) {
      throw new IllegalArgumentException(
          "head collapse of "
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

  /** Buffers for the weights of up to {@code maxRows} rows. */
  public static final class Space {
    final Buffer dots;
    final Buffer pre;

    /** Bytes for each row. */
    public static long bytes(int streams) {
      return 2 * Buffer.bytes(streams);
    }

    /** Makes the buffers; {@code rows} says how many of their rows are in use. */
    public Space(RowCount rows, int maxRows, int streams) {
      dots = new Buffer("headHyper", rows, maxRows, streams);
      pre = new Buffer("headPre", rows, maxRows, streams);
    }
  }

  /**
   * y = the collapsed streams.
   *
   * @param x [rows][streams · hidden]
   * @param y [rows][hidden]
   */
  public void run(Launcher g, Buffer x, Space s, Buffer y) {
    g.matmul(x, fn, s.dots);
    g.launch(new HeadWeights(this, x, s.dots, s.pre));
    g.launch(new Collapse(x, s.pre, y));
  }
}
