package orrery.engine;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import orrery.kernels.CachedRows;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;

/**
 * The pages of one sequence that no step touches, so that another thread may copy them out or fill
 * them. A page is named by its pool and its index in the sequence (slot / span), which both engines
 * of a transfer count alike; where it lies in the cache, only its own engine knows.
 *
 * <pre>
 *   a page in bytes, page first:  │ rows of stream 0 │ rows of stream 1 │ …   the pool's streams
 * </pre>
 *
 * <p>The thread that got this gives it back with {@link Ticket#failed}, {@link PrefillTicket#sent}
 * or {@link DecodeTicket#arrived}, and copies nothing after that.
 */
public final class KvPages {
  private final KvCache kv;
  private final PageTable table;
  private final int[] from; // [pools] the first page that is copied

  /**
   * @param from [pools] the first page to be copied; those before it are there already, or not
   *     needed
   */
  public KvPages(KvCache kv, PageTable table, int[] from) {
    this.kv = kv;
    this.table = kv.newTable();
    this.table.copy(table); // the engine's thread goes on to change its own
    this.from = from.clone();
  }

  /** Pools of the cache. */
  public int pools() {
    return from.length;
  }

  /** Index of the first page of a pool. */
  public int first(int pool) {
    return from[pool];
  }

  /** Index behind the last page of a pool. */
  public int end(int pool) {
    return table.end(pool);
  }

  /**
   * Bytes of a page of a pool.
   *
   * @throws ArithmeticException if there are too many for an array: see {@link Engine#pageBytes}
   */
  public int bytes(int pool) {
    return Math.toIntExact(bytes(kv, pool));
  }

  /** Bytes of a page of the pool that has the largest pages. */
  static long mostBytes(KvCache kv) {
    return IntStream.range(0, kv.geometry().pools())
        .mapToLong(pool -> bytes(kv, pool))
        .max()
        .orElseThrow();
  }

  private static long bytes(KvCache kv, int pool) {
    return streams(kv, pool).mapToLong(stream -> bytesOfPage(kv, stream)).sum();
  }

  private static IntStream streams(KvCache kv, int pool) {
    KvLayout layout = kv.layout();
    return IntStream.range(0, layout.streams().size()).filter(s -> layout.poolOf(s) == pool);
  }

  private static long bytesOfPage(KvCache kv, int stream) {
    return kv.layout().streams().get(stream).bytes(kv.spanOf(stream));
  }

  /** Copies a page to {@link #bytes} bytes from {@code at} on. */
  public void copyOut(int pool, int index, MemorySegment to, long at) {
    long next = at;
    for (int stream : streams(kv, pool).toArray()) {
      CachedRows rows = kv.rows(stream);
      int each = rowsOfPage(stream);
      rows.copyOut(page(pool, index) * each, each, to, next);
      next += bytesOfPage(kv, stream);
    }
  }

  /** Fills a page with what {@link #copyOut} has copied out. */
  public void copyIn(int pool, int index, MemorySegment bytes, long at) {
    long next = at;
    for (int stream : streams(kv, pool).toArray()) {
      CachedRows rows = kv.rows(stream);
      int each = rowsOfPage(stream);
      rows.copyIn(page(pool, index) * each, each, bytes, next);
      next += bytesOfPage(kv, stream);
    }
  }

  private int page(int pool, int index) {
    if (index < from[pool] || index >= table.end(pool)) {
      throw new IllegalArgumentException(
          String.format(
              "page of pool %s: expected an index from %d to %d, found %d",
              kv.geometry().name(pool), from[pool], table.end(pool) - 1, index));
    }
    return table.pages(pool)[index];
  }

  private int rowsOfPage(int stream) {
    return kv.layout().streams().get(stream).rows(kv.spanOf(stream));
  }
}
