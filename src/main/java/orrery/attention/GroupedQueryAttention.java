package orrery.attention;

import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.Tile;
import orrery.kernels.AttentionShape;
import orrery.kernels.PackedMatrix;

/**
 * Attention in which several query heads share one key/value head (Ainslie et al., "GQA", 2023).
 * Queries and keys are normed head by head, if there are norms, and rotated by the row's position.
 *
 * @param q [heads*headDim][hidden]
 * @param k [kvHeads*headDim][hidden]
 * @param v [kvHeads*valueDim][hidden]
 * @param o [hidden][heads*valueDim]
 * @param qBias [heads*headDim] or null
 * @param kBias [kvHeads*headDim] or null
 * @param vBias [kvHeads*valueDim] or null
 * @param qNorm [headDim] or null
 * @param kNorm [headDim] or null
 * @param normEps epsilon of both norms
 */
public record GroupedQueryAttention(
    PackedMatrix q,
    PackedMatrix k,
    PackedMatrix v,
    PackedMatrix o,
    float[] qBias,
    float[] kBias,
    float[] vBias,
    float[] qNorm,
    float[] kNorm,
    float normEps) {

  /** Buffers for the activations of up to {@code maxRows} rows. */
  public static final class Space {
    final Buffer q;
    final Buffer k;
    final Buffer v;
    final Buffer mixed; // the values that each head has mixed, before the output projection

    /** Bytes for each row. */
    public static long bytes(AttentionShape s) {
      return Buffer.bytes(s.heads() * s.headDim())
          + Buffer.bytes(s.kvHeads() * s.headDim())
          + Buffer.bytes(s.kvHeads() * s.valueDim())
          + Buffer.bytes(s.heads() * s.valueDim());
    }

    /** Makes the buffers; {@code rows} says how many of their rows are in use. */
    public Space(AttentionShape s, RowCount rows, int maxRows) {
      q = new Buffer("q", rows, maxRows, s.heads() * s.headDim());
      k = new Buffer("k", rows, maxRows, s.kvHeads() * s.headDim());
      v = new Buffer("v", rows, maxRows, s.kvHeads() * s.valueDim());
      mixed = new Buffer("mixed", rows, maxRows, s.heads() * s.valueDim());
    }
  }

  /** Bytes of working memory for each slot of a sequence and each thread. */
  public static long scratchBytes(AttentionShape shape) {
    return Attend.scratchBytes(shape);
  }

  /** The most floats that its ops have in the scratch of a thread, beside those of attention. */
  public static long opScratch(int hidden, AttentionShape shape) {
    return Math.max(Tile.FLOATS, ProjectQkv.scratch(hidden, shape));
  }

  /** out = attention of h over the cached slots that each row may see, its own included. */
  public void run(Launcher g, Buffer h, RopeTable rope, LayerKv kv, Space s, Buffer out) {
    project(g, h, q, qBias, s.q);
    normAndRotate(g, s.q, qNorm, kv.shape().heads(), rope);
    writeKv(g, h, rope, kv, s);
    g.launch(new Attend(s.q, kv, s.mixed));
    g.matmul(s.mixed, o, out);
  }

  /** Writes the keys and values of h to the cache, where this step's rows and later ones read. */
  public void writeKv(Launcher g, Buffer h, RopeTable rope, LayerKv kv, Space s) {
    project(g, h, k, kBias, s.k);
    project(g, h, v, vBias, s.v);
    normAndRotate(g, s.k, kNorm, kv.shape().kvHeads(), rope);
    g.launch(new WriteKv(s.k, s.v, kv));
  }

  private static void project(Launcher g, Buffer h, PackedMatrix w, float[] bias, Buffer y) {
    g.matmul(h, w, y);
    if (bias != null) {
      g.addBias(y, bias);
    }
  }

  private void normAndRotate(Launcher g, Buffer x, float[] norm, int heads, RopeTable rope) {
    if (norm != null) {
      g.headNorm(x, norm, normEps, heads);
    }
    g.launch(new Rope(x, heads, rope));
  }
}
