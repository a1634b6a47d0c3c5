package orrery.moe;

import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * A dense SwiGLU feed-forward: down · (silu(gate · h) * (up · h)), after Shazeer, "GLU Variants
 * Improve Transformer", 2020.
 *
 * @param gate [intermediate][hidden]
 * @param up [intermediate][hidden]
 * @param down [hidden][intermediate]
 * @param swigluLimit if above 0: gate is at most this, and up within ± this, before the activation
 *     (DeepSeek-V4's {@code swiglu_limit}); 0 or less: no limit
 */
public record FeedForward(
    PackedMatrix gate, PackedMatrix up, PackedMatrix down, float swigluLimit) {
  /** Buffers for the activations of up to {@code maxRows} rows. */
  public static final class Space {
    final Buffer gate;
    final Buffer up;
    final Buffer act;

    /** The most floats that its ops have in the scratch of a thread. */
    public static long opScratch(int hidden) {
      return Math.max(Tile.FLOATS, GateUp.scratch(hidden));
    }

    /** Bytes for each row. */
    public static long bytes(int intermediate) {
      return 3 * Buffer.bytes(intermediate);
    }

    /** Makes the buffers; {@code rows} says how many of their rows are in use. */
    public Space(RowCount rows, int maxRows, int intermediate) {
      gate = new Buffer("gate", rows, maxRows, intermediate);
      up = new Buffer("up", rows, maxRows, intermediate);
      act = new Buffer("act", rows, maxRows, intermediate);
    }
  }

  /** out = the feed-forward of h. */
  public void run(Launcher g, Buffer h, Space s, Buffer out) {
    g.matmul(h, gate, s.gate);
    g.matmul(h, up, s.up);
    g.swiglu(s.gate, s.up, swigluLimit, s.act);
    g.matmul(s.act, down, out);
  }
}
