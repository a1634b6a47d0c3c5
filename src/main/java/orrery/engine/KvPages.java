package orrery.engine;

import java.lang.foreign.MemorySegment;
import orrery.kernels.CachedRows;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.offload.PartLayout;

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
  private final PartLayout layout;
  private final PageTable table;
  private final int[] from; // [pools] the first page that is copied

  /**
   * @param from [pools] the first page to be copied; those before it are there already, or not
   *     needed
   */
  public KvPages(KvCache kv, PageTable table, int[] from) {
    this.kv = kv;
    this.layout = new PartLayout(kv.layout(), kv.geometry());
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

  /** Bytes of a page of a pool. */
  public int bytes(int pool) {
    long bytes = 0;
    for (int stream : layout.streams(pool)) {
      bytes += layout.streamBytes(stream);
    }
    return Math.toIntExact(bytes);
  }

  /** Copies a page to {@link #bytes} bytes from {@code at} on. */
  public void copyOut(int pool, int index, MemorySegment to, long at) {
    long next = at;
    for (int stream : layout.streams(pool)) {
      CachedRows rows = kv.rows(stream);
      int each = rowsOfPage(stream);
      rows.copyOut(page(pool, index) * each, each, to, next);
      next += layout.streamBytes(stream);
    }
  }

  /** Fills a page with what {@link #copyOut} has copied out. */
  public void copyIn(int pool, int index, MemorySegment bytes, long at) {
    long next = at;
    for (int stream : layout.streams(pool)) {
      CachedRows rows = kv.rows(stream);
      int each = rowsOfPage(stream);
      rows.copyIn(page(pool, index) * each, each, bytes, next);
      next += layout.streamBytes(stream);
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
