package orrery.attention;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.Tile;
import orrery.hisparse.FetchEntries;
import orrery.kernels.PackedMatrix;

/**
 * Attention in which all heads share one cached row a token, which is key and value at once
 * ("DeepSeek-V4", 2026). A row reads the raw rows of a window and, if the layer has a compressor,
 * compressed entries of all tokens before: every entry, or those that the indexer selects.
 *
 * @param heads query heads
 * @param headDim columns of a query head and of a cached row
 * @param ropeDim how many of the last columns are rotated
 * @param wqA [rank][hidden]
 * @param qNorm [rank]
 * @param wqB [heads*headDim][rank]
 * @param wkv [headDim][hidden]
 * @param kvNorm [headDim]
 * @param woA [groups], each [groupRank][heads*headDim/groups]: the output of a group of heads
 * @param woB [hidden][groups*groupRank]
 * @param sink [heads] a score without a value, which takes a part of each head's softmax
 * @param eps epsilon of all norms here
 * @param compressor null if the layer reads the window alone
 * @param indexer null if the layer reads all entries
 */
public record LatentAttention(
    int heads,
    int headDim,
    int ropeDim,
    PackedMatrix wqA,
    float[] qNorm,
    PackedMatrix wqB,
    PackedMatrix wkv,
    float[] kvNorm,
    PackedMatrix[] woA,
    PackedMatrix woB,
    float[] sink,
    float eps,
    Compressor compressor,
    Indexer indexer) {
  /**
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public LatentAttention {
    if (wqB.out != heads * headDim || wqB.in != wqA.out || qNorm.length != wqA.out) {
      throw misfit("queries of " + heads + " heads of " + headDim, wqA, wqB);
    }
    if (wkv.out != headDim || kvNorm.length != headDim || ropeDim > headDim || ropeDim % 2 != 0) {
      throw misfit("cached rows of " + headDim + ", " + ropeDim + " rotated", wkv);
    }
    if (woB.in != woA.length * woA[0].out || sink.length != heads) {
      throw misfit("output of " + woA.length + " groups, " + sink.length + " sinks", woA[0], woB);
    }
    if (compressor != null && compressor.headDim() != headDim) {
      throw misfit("entries of " + compressor.headDim() + " beside rows of " + headDim);
    }
    if (indexer != null
        && (compressor == null || compressor.ratio() != indexer.compressor().ratio())) {
      throw misfit("an indexer needs entries of as many tokens as its keys are of");
    }
  }

  private static IllegalArgumentException misfit(String what, PackedMatrix... found) {
    return new IllegalArgumentException(
        "latent attention, " + what + ": shapes do not fit, found " + List.of(found));
  }

  /** Buffers for the activations of up to {@code maxRows} rows, used by one layer after another. */
  public static final class Space {
    final Buffer queryRank;
    final Buffer q;
    final Buffer kv;
    final Buffer mixed; // what each head has mixed, before the output projections
    final Buffer groups;
    final Compressor.Space[] compressors; // one for each width that a compressor has
    final Indexer.Space indexer; // null if no layer has one
    final IntBuffer places; // where selected entries lie on the device; null if all lie there

    /** Bytes for each row. */
    public static long bytes(List<LatentAttention> layers) {
      LatentAttention a = alike(layers);
      long bytes =
          Buffer.bytes(a.wqA.out)
              + 2 * Buffer.bytes(a.heads * a.headDim)
              + Buffer.bytes(a.headDim)
              + Buffer.bytes(a.woB.in);
      for (int width : widths(layers)) {
        bytes += Compressor.Space.bytes(width);
      }
      Indexer indexer = indexer(layers);
      return bytes + (indexer == null ? 0 : Indexer.Space.bytes(indexer));
    }

    /**
     * Makes the buffers; {@code rows} says how many of their rows are in use.
     *
     * @param layers all that will use this space, those of an MTP layer too
     * @throws IllegalArgumentException if their shapes differ
     */
    public Space(List<LatentAttention> layers, RowCount rows, int maxRows) {
      this(layers, rows, maxRows, false);
    }

    /**
     * The same.
     *
     * @param host whether entries lie on the host from which an indexer selects
     */
    public Space(List<LatentAttention> layers, RowCount rows, int maxRows, boolean host) {
      LatentAttention a = alike(layers);
      queryRank = new Buffer("queryRank", rows, maxRows, a.wqA.out);
      q = new Buffer("q", rows, maxRows, a.heads * a.headDim);
      kv = new Buffer("kv", rows, maxRows, a.headDim);
      mixed = new Buffer("mixed", rows, maxRows, a.heads * a.headDim);
      groups = new Buffer("groups", rows, maxRows, a.woB.in);
      int[] widths = widths(layers);
      compressors = new Compressor.Space[widths.length];
      for (int i = 0; i < widths.length; i++) {
        compressors[i] = new Compressor.Space("state" + widths[i], widths[i], rows, maxRows);
      }
      Indexer i = indexer(layers);
      indexer = i == null ? null : new Indexer.Space(i, rows, maxRows);
      places = host ? new IntBuffer("places", rows, maxRows, i.topk()) : null;
    }

    private Compressor.Space of(Compressor c) {
      for (Compressor.Space s : compressors) {
        if (s.a.cols == c.width()) {
          return s;
        }
      }
      throw new IllegalArgumentException(
          "latent attention: no space for a compressor of width " + c.width());
    }

    /** The widths of the layers' compressors, each once. */
    private static int[] widths(List<LatentAttention> layers) {
      return layers.stream()
          .filter(a -> a.compressor != null)
          .mapToInt(a -> a.compressor.width())
          .distinct()
          .toArray();
    }

    private static Indexer indexer(List<LatentAttention> layers) {
      return layers.stream().map(a -> a.indexer).filter(i -> i != null).findFirst().orElse(null);
    }

    private static LatentAttention alike(List<LatentAttention> layers) {
      LatentAttention first = layers.getFirst();
      for (LatentAttention a : layers) {
        if (a.heads != first.heads
            || a.headDim != first.headDim
            || a.wqA.out != first.wqA.out
            || a.woB.in != first.woB.in) {
          throw misfit("layers in one space", first.wqB, a.wqB, first.woB, a.woB);
        }
      }
      return first;
    }
  }

  /**
   * Bytes of working memory of one thread for a sequence of {@code slots} slots.
   *
   * @param layers all layers, which are computed one after another
   * @param window of the raw rows
   */
  public static long scratchBytes(List<LatentAttention> layers, int window, int slots) {
    long most = 0;
    for (LatentAttention a : layers) {
      int entries = a.compressor == null ? 0 : slots / a.compressor.ratio();
      int read = a.indexer == null ? entries : Math.min(entries, a.indexer.topk());
      long bytes = AttendLatent.scratchBytes(a.heads, a.headDim, Math.min(window, slots) + read);
      bytes += a.indexer == null ? 0 : SelectEntries.scratchBytes(entries);
      most = Math.max(most, bytes);
    }
    return most;
  }

  /** The most floats that its ops have in the scratch of a thread, beside those of attention. */
  public static long opScratch(List<LatentAttention> layers) {
    long most = Tile.FLOATS;
    for (LatentAttention a : layers) {
      most = Math.max(most, Tile.floats(a.headDim)); // of ProjectRow
    }
    return most;
  }

  /** out = attention of h over the cached rows that each row may see, its own included. */
  public void run(Launcher g, Buffer h, LatentRope rope, LatentKv kv, Space s, Buffer out) {
    g.matmul(h, wqA, s.queryRank);
    g.rmsNorm(s.queryRank, qNorm, eps, s.queryRank);
    g.matmul(s.queryRank, wqB, s.q);
    g.launch(new UnitNorm(s.q, eps, heads));
    g.launch(new RopeTail(s.q, heads, rope.turn()));
    writeKv(g, h, rope, kv, s);
    IntBuffer selected = null;
    if (compressor != null) {
      compressor.run(g, h, rope.turn(), kv.state(), kv.compressed(), s.of(compressor));
    }
    if (indexer != null) {
      indexer.run(g, h, s.queryRank, rope.turn(), kv, s.indexer);
      selected = s.indexer.selected;
    }
    IntBuffer places = null;
    if (kv.buffers() != null) {
      places = s.places;
      g.launch(new FetchEntries(selected, kv.buffers(), places));
    }
    g.launch(new AttendLatent(s.q, kv, selected, places, sink, s.mixed));
    g.launch(new RopeTail(s.mixed, heads, rope.back()));
    g.matmul(s.mixed, woA, s.groups);
    g.matmul(s.groups, woB, out);
  }

  /**
   * Writes the raw rows of h to the cache, where this step's rows and later ones read. An MTP
   * layer, which compresses nothing, needs no more for rows whose output is not asked for.
   */
  public void writeKv(Launcher g, Buffer h, LatentRope rope, LatentKv kv, Space s) {
    g.matmul(h, wkv, s.kv);
    g.rmsNorm(s.kv, kvNorm, eps, s.kv);
    g.launch(new RopeTail(s.kv, 1, rope.turn()));
    g.launch(new WriteRow(s.kv, kv.raw()));
  }
}
