package orrery.attention;

import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.kernels.PackedMatrix;

/**
 * Selects the compressed entries that a row reads ("lightning indexer", "DeepSeek-V3.2-Exp", 2025,
 * §2.1): many small heads compare the row with a small key of each entry, and only the entries with
 * the best sums of scores are read.
 *
 * @param heads heads of the comparison
 * @param headDim columns of one of these heads, and of a key
 * @param topk the most entries that a row reads
 * @param wqB [heads*headDim][rank] on the normed low-rank query of the attention
 * @param weightsProj [heads][hidden] weights of the heads
 * @param compressor makes the keys
 */
public record Indexer(
    int heads,
    int headDim,
    int topk,
    PackedMatrix wqB,
    PackedMatrix weightsProj,
    Compressor compressor) {
  /**
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public Indexer {
    if (heads < 1
        || topk < 1
        || wqB.out != heads * headDim
        || weightsProj.out != heads
        || compressor.headDim() != headDim) {
      throw new IllegalArgumentException(
          "indexer of "
              + heads
              + " heads of "
              + headDim
              + ", top "
              + topk
              + ": shapes do not fit, found "
              + wqB
              + ", "
              + weightsProj
              + ", keys of "
              + compressor.headDim());
    }
  }

  /** The comparison's buffers, and the selection. */
  static final class Space {
    final Buffer q;
    final Buffer weights;
    final IntBuffer selected;
    final Compressor.Space keys;

    Space(Indexer i, RowCount rows, int maxRows) {
      q = new Buffer("index.q", rows, maxRows, i.heads * i.headDim);
      weights = new Buffer("index.weights", rows, maxRows, i.heads);
      selected = new IntBuffer("selected", rows, maxRows, i.topk);
      keys = new Compressor.Space("index", i.compressor.width(), rows, maxRows);
    }

    static long bytes(Indexer i) {
      return Buffer.bytes(i.heads * i.headDim)
          + Buffer.bytes(i.heads)
          + 4L * i.topk
          + Compressor.Space.bytes(i.compressor.width());
    }
  }

  /** Caches the keys that the rows complete, then selects the entries that each row reads. */
  void run(Launcher g, Buffer h, Buffer queryRank, RopeTable rope, LatentKv kv, Space s) {
    compressor.run(g, h, rope, kv.indexState(), kv.indexKey(), s.keys);
    g.matmul(queryRank, wqB, s.q);
    g.launch(new RopeTail(s.q, heads, rope));
    g.matmul(h, weightsProj, s.weights);
    g.launch(new SelectEntries(s.q, s.weights, kv.indexKey(), s.selected));
  }
}
