package orrery.kv;

import java.util.Arrays;

/**
 * Where the rows of one sequence lie: for each pool, the page of every run of slots as long as the
 * pool's span. Entries of passed pages are {@link PagePool#DUMMY}.
 */
public final class PageTable {
  /** In place of a device buffer. */
  public static final int NO_BUFFER = -1;

  private final int[][] pages; // [pool][slot / span]
  private final int[] first; // [pool] the first held page; those before it are passed
  private final int[] end; // [pool] one more than the last page
  private PageTable original = this; // the table of the sequence
  private int buffer = NO_BUFFER;
  private int bufferTerm; // 0 without a buffer

  PageTable(KvGeometry geometry, int maxSlots) {
    pages = new int[geometry.pools()][];
    for (int pool = 0; pool < pages.length; pool++) {
      pages[pool] = new int[geometry.pages(pool, maxSlots)];
    }
    first = new int[pages.length];
    end = new int[pages.length];
  }

  /** The pages of one pool by slot / span; entries outside [first, end) mean nothing. */
  public int[] pages(int pool) {
    return pages[pool];
  }

  /** The first page of a pool that is still held. */
  public int first(int pool) {
    return first[pool];
  }

  /** One more than the last page of a pool. */
  public int end(int pool) {
    return end[pool];
  }

  /**
   * Becomes equal to another table of the same cache. A step on its way reads such a copy, while
   * the sequence's own table goes on to change.
   */
  public void copy(PageTable from) {
    original = from.original;
    buffer = from.buffer;
    bufferTerm = from.bufferTerm;
    for (int pool = 0; pool < pages.length; pool++) {
      first[pool] = from.first[pool];
      end[pool] = from.end[pool];
      System.arraycopy(from.pages[pool], 0, pages[pool], 0, end[pool]);
    }
  }

  /**
   * The device buffer of the sequence, the same in each stream whose rows lie on the host, or
   * {@link #NO_BUFFER}.
   */
  public int buffer() {
    return buffer;
  }

  /**
   * A number of the time for which the sequence has its buffer; no other sequence has the same.
   * What lies in the buffer from before is of another term.
   */
  public int bufferTerm() {
    return bufferTerm;
  }

  void buffer(int buffer, int term) {
    this.buffer = buffer;
    this.bufferTerm = term;
  }

  /** The table of which this one is a copy now; itself if of none. It says whose rows these are. */
  public PageTable original() {
    return original;
  }

  void append(int pool, int page) {
    pages[pool][end[pool]++] = page;
  }

  void replace(int pool, int index, int page) {
    pages[pool][index] = page;
  }

  void pass(int pool) {
    pages[pool][first[pool]++] = PagePool.DUMMY;
  }

  void truncate(int pool, int newEnd) {
    end[pool] = newEnd;
    first[pool] = Math.min(first[pool], newEnd);
  }

  /** Starts over with pages [0, firstPage) passed already. */
  void startAt(int pool, int firstPage) {
    Arrays.fill(pages[pool], 0, firstPage, PagePool.DUMMY);
    first[pool] = firstPage;
    end[pool] = firstPage;
  }
}
