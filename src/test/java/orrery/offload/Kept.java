package orrery.offload;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import orrery.engine.LoadedModel;
import orrery.kernels.CachedRows;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;
import orrery.model.Model;

/** A sequence of some whole blocks in a cache full of numbers, and host slots for its parts. */
public final class Kept implements AutoCloseable {
  public final KvCache cache;
  public final HostPool host;
  public final PageTable table;
  private final int blocks;

  /**
   * @param slots of the sequence, of which the first {@code blocks} whole blocks have parts
   */
  public Kept(KvLayout layout, int pageTokens, int blocks, int slots) {
    this.blocks = blocks;
    this.cache = new KvCache(layout, pageTokens, slots, 2 + Math.ceilDiv(slots, pageTokens));
    PartLayout parts = new PartLayout(layout, cache.geometry());
    int[] hostSlots = new int[parts.pools()];
    Arrays.setAll(hostSlots, pool -> parts.pages(pool) > 0 ? blocks : 0);
    this.host = new HostPool(parts, hostSlots);
    this.table = cache.newTable();
    cache.reserve(table, slots);
  }

  /** Rows of every kind: all and windows, of one token and of several, and one of a page. */
  public static KvLayout everyKind(KvDtype dtype) {
    return new KvLayout(
        List.of(
            Stream.whole("key", 6, dtype.format(3, 0)),
            new Stream("raw", 11, 1, 8, 7, dtype.format(4, 3)),
            new Stream("state", 5, 1, 8, 4),
            new Stream("entries", 7, 2, Stream.ALL, Stream.ALL, dtype.format(7, 0)),
            Stream.boundary("boundary", 3)));
  }

  /** The layout of a model with all that it can cache. */
  public static KvLayout of(Path model, KvDtype dtype) {
    Model m = LoadedModel.load(model).model();
    return m.kvLayout(m.hasMtp(), dtype);
  }

  /** Fills all rows of the cache with numbers. */
  public void fill(long seed) {
    Random random = new Random(seed);
    for (int s = 0; s < cache.layout().streams().size(); s++) {
      CachedRows rows = cache.rows(s);
      float[] row = new float[rows.width()];
      for (int r = 0; r < rows.rows(); r++) {
        for (int i = 0; i < row.length; i++) {
          row[i] = (float) random.nextGaussian();
        }
        rows.write(r, row, 0);
      }
    }
  }

  /** Every part of the sequence's blocks; the slots are the numbers of the blocks. */
  public List<Copy> copies(Copy.Way way) {
    List<Copy> copies = new ArrayList<>();
    KvGeometry g = cache.geometry();
    PartLayout parts = host.layout();
    BlockKey key = BlockKey.root("rows", "");
    for (int block = 0; block < blocks; block++) {
      key = key.next(new int[] {block}, 0, 1);
      for (int pool = 0; pool < parts.pools(); pool++) {
        if (parts.pages(pool) > 0) {
          int[] pages = new int[parts.pages(pool)];
          int from = block * g.perBlock(pool) + parts.first(pool);
          System.arraycopy(table.pages(pool), from, pages, 0, pages.length);
          copies.add(new Copy(way, new Part(key, pool), block, pages));
        }
      }
    }
    return copies;
  }

  /** Makes all rows of the pages of all parts NaN. */
  public void poison() {
    for (Copy copy : copies(Copy.Way.LOAD)) {
      for (int stream : host.layout().streams(copy.part().pool())) {
        for (int page : copy.pages()) {
          int perPage = perPage(stream);
          cache.rows(stream).fillNaN(page * perPage, perPage);
        }
      }
    }
  }

  /** Rows of a stream in a page. */
  public int perPage(int stream) {
    int pool = cache.layout().poolOf(stream);
    return cache.rows(stream).rows() / cache.pool(pool).total();
  }

  /** The bits of all rows of a page. */
  public int[] bits(int stream, int page) {
    CachedRows rows = cache.rows(stream);
    int n = perPage(stream);
    float[] x = new float[n * rows.width()]; // [rows of the page][width]
    for (int r = 0; r < n; r++) {
      rows.read(page * n + r, x, r * rows.width());
    }
    int[] bits = new int[x.length];
    Arrays.setAll(bits, i -> Float.floatToIntBits(x[i]));
    return bits;
  }

  @Override
  public void close() {
    host.close();
  }
}
