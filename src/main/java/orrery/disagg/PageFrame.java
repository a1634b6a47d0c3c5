package orrery.disagg;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.Locale;
import java.util.stream.Stream;
import orrery.disagg.Frame.Type;
import orrery.disagg.PrefilledCodec.First;
import orrery.engine.Engine;
import orrery.engine.KvPages;
import orrery.options.Options;

/**
 * The payload of a PAGE frame, and which pages have come.
 *
 * <pre>
 *   int pool, int index, then the page's rows, stream after stream
 * </pre>
 */
final class PageFrame {
  private static final int HEADER = 8; // bytes: pool and index

  private final KvPages pages;
  private final BitSet[] got; // [pools] of page indices

  /** For pages that are to be filled. */
  PageFrame(KvPages pages) {
    this.pages = pages;
    this.got = Stream.generate(BitSet::new).limit(pages.pools()).toArray(BitSet[]::new);
  }

  /**
   * Requires pages that a frame has room for.
   *
   * @throws IllegalArgumentException if they are larger
   */
  static void requireRoom(Engine engine) {
    long most = Type.PAGE.most() - HEADER;
    Options.check(
        engine.pageBytes() <= most,
        "page-size",
        String.format(Locale.ROOT, "pages of at most %,d bytes, since they are sent", most),
        String.format(
            Locale.ROOT, "%,d bytes in %d tokens", engine.pageBytes(), engine.pageTokens()));
  }

  /** A page as a frame. */
  static Frame encode(long room, KvPages pages, int pool, int index) {
    ByteBuffer bytes =
        ByteBuffer.allocate(HEADER + pages.bytes(pool)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0, pool).putInt(4, index);
    pages.copyOut(pool, index, MemorySegment.ofArray(bytes.array()), HEADER);
    return new Frame(Type.PAGE, room, bytes);
  }

  /**
   * Sends the pages that the other side wants and this one has.
   *
   * @return how many these are
   */
  static int send(Transfer to, long room, KvPages pages, PageRanges wanted) throws IOException {
    wanted.requireEnds(pages);
    int sent = 0;
    for (int pool = 0; pool < pages.pools(); pool++) {
      int first = Math.max(pages.first(pool), wanted.first(pool));
      for (int index = first; index < wanted.end(pool); index++, sent++) {
        to.send(encode(room, pages, pool, index));
      }
    }
    return sent;
  }

  /**
   * Fills a page with what {@link #encode} has made.
   *
   * @throws TransferException if the page was not asked for, or has come before
   */
  void decode(Frame frame) throws IOException {
    ByteBuffer in = frame.payload();
    int pool = in.remaining() < HEADER ? -1 : in.getInt(0);
    int index = pool < 0 ? -1 : in.getInt(4);
    if (pool < 0
        || pool >= pages.pools()
        || index < pages.first(pool)
        || index >= pages.end(pool)
        || got[pool].get(index)
        || in.remaining() != HEADER + pages.bytes(pool)) {
      throw new TransferException(
          "PAGE: found page %d of pool %d in %d bytes, which was not asked for, or came before"
              .formatted(index, pool, in.remaining()));
    }
    pages.copyIn(pool, index, MemorySegment.ofArray(in.array()), HEADER);
    got[pool].set(index);
  }

  /**
   * Requires that all pages have come from the first one on that the other side had.
   *
   * @throws TransferException if not
   */
  void requireAll(First first) throws IOException {
    if (first.prefilled().first().size() != pages.pools()) {
      throw new TransferException(
          "FIRST: expected %d pools, found %d"
              .formatted(pages.pools(), first.prefilled().first().size()));
    }
    int all = 0;
    for (int pool = 0; pool < pages.pools(); pool++) {
      requireAll(pool, first.prefilled().first().get(pool));
      all += got[pool].cardinality();
    }
    if (all != first.pages()) {
      throw new TransferException("FIRST: expected " + first.pages() + " pages, found " + all);
    }
  }

  private void requireAll(int pool, int had) throws IOException {
    if (had < 0 || had > pages.end(pool)) {
      throw new TransferException(
          "FIRST: expected a first page of pool %d up to %d, found %d"
              .formatted(pool, pages.end(pool), had));
    }
    int missing = got[pool].nextClearBit(Math.max(pages.first(pool), had));
    if (missing < pages.end(pool)) {
      throw new TransferException(
          "FIRST: page %d of pool %d has not come".formatted(missing, pool));
    }
  }
}
