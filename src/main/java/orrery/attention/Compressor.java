package orrery.attention;

import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.StreamRows;
import orrery.kernels.PackedMatrix;

/**
 * Makes one cached entry of {@code ratio} tokens ("DeepSeek-V4", 2026: compressed sparse and
 * heavily compressed attention). Each token has a vector a and a gate g; channel by channel, an
 * entry is the mean of a, weighted by the softmax of g over the tokens. It is normed, and rotated
 * by the position of its first token.
 *
 * <pre>
 *   overlap:      tokens  0 1 2 3 | 4 5 6 7 | 8 9 …        each token has two vectors a and two
 *   entry 0               b b b b                          gates: first half f for the next entry,
 *   entry 1               f f f f   b b b b                second half b for its own
 *   entry 2                         f f f f   b b …
 * </pre>
 *
 * @param ratio tokens of an entry
 * @param headDim columns of an entry
 * @param overlap whether the tokens of the entry before take part too
 * @param wkv [width][hidden] with a width of 2 · headDim if entries overlap, else headDim
 * @param wgate [width][hidden]
 * @param ape [ratio][width] added to the gate, by the token's place among the entry's tokens
 * @param norm [headDim]
 * @param eps epsilon of the norm
 */
public record Compressor(
    int ratio,
    int headDim,
    boolean overlap,
    PackedMatrix wkv,
    PackedMatrix wgate,
    float[] ape,
    float[] norm,
    float eps) {
  /**
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public Compressor {
    int width = overlap ? 2 * headDim : headDim;
    if (ratio < 1
        || wkv.out != width
        || wgate.out != width
        || wkv.in != wgate.in
        || ape.length != ratio * width
        || norm.length != headDim) {
      throw new IllegalArgumentException(
          "compressor of "
              + ratio
              + " tokens to "
              + headDim
              + (overlap ? " columns, with overlap" : " columns")
              + ": shapes do not fit, found "
              + wkv
              + ", "
              + wgate
              + ", ape of "
              + ape.length
              + ", norm of "
              + norm.length);
    }
  }

  /** The vectors a and the gates g of a step's rows. */
  static final class Space {
    final Buffer a;
    final Buffer gate;

    Space(String name, int width, RowCount rows, int maxRows) {
      a = new Buffer(name + ".a", rows, maxRows, width);
      gate = new Buffer(name + ".gate", rows, maxRows, width);
    }

    static long bytes(int width) {
      return 2 * Buffer.bytes(width);
    }
  }

  /** Floats of a vector a, and of a gate; a row of state holds both. */
  public int width() {
    return wkv.out;
  }

  /** Tokens of which an entry is made. */
  public int tokens() {
    return overlap ? 2 * ratio : ratio;
  }

  /** Caches the state of each row, then the entries that the step's rows complete. */
  void run(Launcher g, Buffer h, RopeTable rope, StreamRows state, StreamRows entries, Space s) {
    g.matmul(h, wkv, s.a);
    g.matmul(h, wgate, s.gate);
    g.launch(new WriteState(s.a, s.gate, this, state));
    g.launch(new Compress(state, this, rope, entries));
  }
}
