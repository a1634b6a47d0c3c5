package orrery.attention;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import orrery.kernels.PackedMatrix;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.quantization.WeightFormat;

/**
 * A small layer of latent attention with random weights, and the cache that it wants.
 *
 * @param ratio tokens of a compressed entry; 0 if the layer reads its window alone
 * @param overlap whether entries overlap
 * @param topk entries that an indexer selects; 0 without an indexer
 * @param pageTokens P of the cache
 * @param firstSlot 0, or 1 as in an MTP layer
 */
record LatentCase(
    int heads,
    int headDim,
    int ropeDim,
    int groups,
    int groupRank,
    int window,
    int ratio,
    boolean overlap,
    int topk,
    int pageTokens,
    int firstSlot) {
  static final int HIDDEN = 13;
  static final int RANK = 10;
  static final int INDEX_HEADS = 5;
  static final int POSITIONS = 128;

  /** Window alone, overlapping entries with an indexer, and plain entries, in odd sizes. */
  static List<LatentCase> all() {
    return List.of(
        new LatentCase(4, 16, 8, 2, 5, 8, 0, false, 0, 4, 0),
        new LatentCase(6, 12, 4, 3, 17, 5, 0, false, 0, 16, 1),
        new LatentCase(4, 16, 8, 2, 16, 8, 4, true, 3, 8, 0),
        new LatentCase(3, 32, 8, 1, 8, 5, 4, true, 2, 4, 0),
        new LatentCase(17, 6, 4, 17, 3, 7, 4, true, 1, 64, 0),
        new LatentCase(4, 20, 8, 4, 20, 8, 8, false, 0, 8, 0),
        new LatentCase(8, 16, 6, 2, 7, 6, 6, false, 0, 12, 0),
        new LatentCase(2, 8, 2, 1, 33, 3, 2, false, 0, 4, 0));
  }

  LatentAttention layer(long seed) {
    Random random = new Random(seed);
    PackedMatrix[] woA = new PackedMatrix[groups];
    for (int g = 0; g < groups; g++) {
      woA[g] = matrix(random, groupRank, heads * headDim / groups);
    }
    Compressor entries = ratio == 0 ? null : compressor(random, headDim);
    Indexer indexer =
        topk == 0
            ? null
            : new Indexer(
                INDEX_HEADS,
                ropeDim + 3,
                topk,
                matrix(random, INDEX_HEADS * (ropeDim + 3), RANK),
                matrix(random, INDEX_HEADS, HIDDEN),
                compressor(random, ropeDim + 3));
    return new LatentAttention(
        heads,
        headDim,
        ropeDim,
        matrix(random, RANK, HIDDEN),
        vector(random, RANK),
        matrix(random, heads * headDim, RANK),
        matrix(random, headDim, HIDDEN),
        vector(random, headDim),
        woA,
        matrix(random, HIDDEN, groups * groupRank),
        vector(random, heads),
        1e-6f,
        entries,
        indexer);
  }

  private Compressor compressor(Random random, int dim) {
    int width = overlap ? 2 * dim : dim;
    return new Compressor(
        ratio,
        dim,
        overlap,
        matrix(random, width, HIDDEN),
        matrix(random, width, HIDDEN),
        vector(random, ratio * width),
        vector(random, dim),
        1e-6f);
  }

  private static PackedMatrix matrix(Random random, int out, int in) {
    float[][] rows = new float[out][];
    for (int o = 0; o < out; o++) {
      rows[o] = vector(random, in);
    }
    return PackedMatrix.of(WeightFormat.F32, rows);
  }

  static float[] vector(Random random, int n) {
    float[] x = new float[n]; // [n]
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian() * 0.5f;
    }
    return x;
  }

  /**
   * Streams raw; state, compressed; index.state, index.key, as far as the layer has them.
   *
   * @param kept how many raw rows are kept; the layer needs its window
   */
  KvLayout layout(int kept) {
    List<Stream> streams = new ArrayList<>();
    streams.add(new Stream("raw", headDim, 1, kept, kept - 1));
    if (ratio > 0) {
      addEntries(streams, "", headDim);
    }
    if (topk > 0) {
      addEntries(streams, "index.", ropeDim + 3);
    }
    return new KvLayout(streams);
  }

  private void addEntries(List<Stream> streams, String name, int dim) {
    int factor = overlap ? 2 : 1;
    int needs = overlap ? ratio : 0;
    streams.add(new Stream(name + "state", 2 * factor * dim, 1, factor * ratio, needs));
    streams.add(new Stream(name + "entry", dim, ratio, Stream.ALL, Stream.ALL));
  }
}
