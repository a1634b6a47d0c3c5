package orrery.offload;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import orrery.kernels.CachedRows;
import orrery.kv.KvCache;

/** Copies the rows of one stream between the pages and the host slot of a {@link Copy}. */
public class PageCopier {
  private final KvCache cache;
  private final HostPool host;
  private final PartLayout layout;

  public PageCopier(KvCache cache, HostPool host) {
    this.cache = cache;
    this.host = host;
    this.layout = host.layout();
  }

  /** The streams of a copy, in the order in which a step reads them. */
  public int[] streams(Copy copy) {
    return layout.streams(copy.part().pool());
  }

  /** All streams, in the order in which pieces are copied: that in which a step reads them. */
  int[] order() {
    int boundary = cache.layout().boundary();
    int streams = cache.layout().streams().size();
    IntStream first = boundary < 0 ? IntStream.empty() : IntStream.of(boundary);
    return IntStream.concat(first, IntStream.range(0, streams).filter(s -> s != boundary))
        .toArray();
  }

  int poolOf(int stream) {
    return cache.layout().poolOf(stream);
  }

  /**
   * Copies the rows of the stream with one row a page at once: a drafter reads them when a sequence
   * starts, before any step.
   */
  void copyBoundary(Load load) {
    int boundary = cache.layout().boundary();
    try {
      while (boundary >= 0 && load.nextStream() == boundary) {
        load.copyNext(false);
      }
    } catch (Throwable t) {
      load.fail(t);
      throw t;
    }
  }

  /** Copies the rows of one stream; the piece is small, so a cancel need not wait long for it. */
  public void copy(Copy copy, int stream) {
    int pool = copy.part().pool();
    CachedRows rows = cache.rows(stream);
    int perPage = rows.rows() / cache.pool(pool).total();
    MemorySegment slot = host.at(pool, copy.slot());
    int[] pages = copy.pages();
    for (int i = 0; i < pages.length; i++) {
      if (pages[i] == Copy.NO_PAGE) {
        continue;
      }
      long at = layout.offset(pool, i, stream);
      if (copy.way() == Copy.Way.STORE) {
        rows.copyOut(pages[i] * perPage, perPage, slot, at);
      } else {
        rows.copyIn(pages[i] * perPage, perPage, slot, at);
      }
    }
  }

  /** Bytes that a copy moves. */
  public long bytes(Copy copy) {
    long bytes = 0;
    for (int page : copy.pages()) {
      for (int stream : page == Copy.NO_PAGE ? new int[0] : streams(copy)) {
        bytes += layout.streamBytes(stream);
      }
    }
    return bytes;
  }
}
