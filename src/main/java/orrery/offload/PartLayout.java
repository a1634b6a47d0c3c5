package orrery.offload;

import java.util.ArrayList;
import java.util.List;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * Where the rows of a part lie outside the KV cache: page by page, and in a page stream by stream
 * (SGLang's {@code page_first}). So one part is one run of bytes, which a copy to a file or a
 * socket wants. The KV cache itself has one array for each stream.
 *
 * <pre>
 *   part of a window, a block of 3 kept pages, 2 streams
 *   │ page 1: k │ v │ page 2: k │ v │ page 3: k │ v │
 * </pre>
 *
 * <p>A part has the pages of its block that a hit at the block's end, or beyond it, can need. Those
 * before ({@link KvGeometry#unneededOfBlock}) the prefix cache does not keep either.
 */
public final class PartLayout {
  private final int[] first; // [pools] the first page of a block that is kept
  private final int[] pages; // [pools] kept pages of a block
  private final int[] pageBytes; // [pools] bytes of one page in all streams of its pool
  private final int[][] streams; // [pools] the streams of the pool, in the order of the layout
  private final int[] offset; // [streams] of a stream's rows in a page
  private final int[] bytes; // [streams] of a stream's rows in a page

  /** The parts of a cache with this layout and geometry. */
  public PartLayout(KvLayout layout, KvGeometry geometry) {
    int pools = geometry.pools();
    first = new int[pools];
    pages = new int[pools];
    pageBytes = new int[pools];
    streams = new int[pools][];
    List<List<Integer>> ofPool = new ArrayList<>();
    for (int pool = 0; pool < pools; pool++) {
      first[pool] = geometry.unneededOfBlock(pool);
      pages[pool] = geometry.perBlock(pool) - first[pool];
      ofPool.add(new ArrayList<>());
    }
    offset = new int[layout.streams().size()];
    bytes = new int[offset.length];
    for (int s = 0; s < offset.length; s++) {
      Stream stream = layout.streams().get(s);
      int pool = layout.poolOf(s);
      ofPool.get(pool).add(s);
      bytes[s] = Math.toIntExact(stream.bytes(geometry.span(pool)));
      offset[s] = pageBytes[pool];
      pageBytes[pool] = Math.addExact(pageBytes[pool], bytes[s]);
    }
    for (int pool = 0; pool < pools; pool++) {
      streams[pool] = ofPool.get(pool).stream().mapToInt(Integer::intValue).toArray();
    }
  }

  public int pools() {
    return pages.length;
  }

  /** The first page of a block, counted from 0, that a part has. */
  public int first(int pool) {
    return first[pool];
  }

  /** Pages of a part; 0 if no hit needs any page of this pool. */
  public int pages(int pool) {
    return pages[pool];
  }

  /** Bytes of a part. */
  public int bytes(int pool) {
    return Math.multiplyExact(pages[pool], pageBytes[pool]);
  }

  /** The streams of a pool, in the order in which a step reads them. */
  public int[] streams(int pool) {
    return streams[pool];
  }

  /** Where the rows of a stream begin in a part, for the {@code page}th page of the part. */
  public int offset(int pool, int page, int stream) {
    return page * pageBytes[pool] + offset[stream];
  }

  /** Bytes of a stream's rows in one page. */
  public int streamBytes(int stream) {
    return bytes[stream];
  }
}
