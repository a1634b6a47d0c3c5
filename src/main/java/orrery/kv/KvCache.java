package orrery.kv;

import java.util.Arrays;
import java.util.Locale;
import orrery.kernels.CachedRows;

/**
 * The memory of all cached rows (Kwon et al., "PagedAttention", 2023): one run of pages for each
 * stream, one {@link PagePool} for each pool.
 *
 * <p>Slot → page → row is the only addressing. How a row lies within its page is decided by the
 * kernel that reads it ({@code AttentionShape} for keys and values). With a page size of the
 * maximum length this is contiguous allocation. With assertions on, a page that becomes free is
 * filled with NaN, so that a read of a free page shows.
 */
public final class KvCache {
  private static final int MOST_FLOATS = Integer.MAX_VALUE - 16; // of one Java array

  private final KvLayout layout;
  private final KvGeometry geometry;
  private final int maxSlots;
  private final PagePool[] pools; // [pool]
  private final int[] pageRows; // [streams] rows of one page
  private final CachedRows[] rows; // [streams] all pages, the dummy included
  private final BufferTerms buffers;
  private final Poison poison;

  /**
   * A cache whose pools can all hold the same number of tokens.
   *
   * @param pageTokens P, the slots that are shared together
   * @param maxSlots the longest sequence
   * @param pages pages of P tokens, beside the dummy
   */
  public KvCache(KvLayout layout, int pageTokens, int maxSlots, int pages) {
    this(layout, new KvGeometry(layout, pageTokens), maxSlots, uniform(layout, pageTokens, pages));
  }

  private static int[] uniform(KvLayout layout, int pageTokens, int pages) {
    KvGeometry geometry = new KvGeometry(layout, pageTokens);
    int[] each = new int[geometry.pools()];
    Arrays.setAll(each, pool -> Math.multiplyExact(pages, geometry.perBlock(pool)));
    return each;
  }

  /**
   * @param maxSlots the longest sequence, at least 1
   * @param pages [pool] pages of each pool, beside the dummy
   * @throws IllegalArgumentException if {@code maxSlots} is less than 1, or if a stream would take
   *     more floats than an array can hold
   */
  public KvCache(KvLayout layout, KvGeometry geometry, int maxSlots, int[] pages) {
    if (maxSlots < 1) {
      throw new IllegalArgumentException(
          "longest sequence: expected at least 1 slot, found " + maxSlots);
    }
    this.layout = layout;
    this.geometry = geometry;
    this.buffers = new BufferTerms(layout.buffers().count());
    this.maxSlots = maxSlots;
    this.pools = new PagePool[pages.length];
    Arrays.setAll(pools, pool -> new PagePool(Math.addExact(pages[pool], 1)));
    this.pageRows = new int[layout.streams().size()];
    this.rows = new CachedRows[pageRows.length];
    for (int s = 0; s < rows.length; s++) {
      Stream stream = layout.streams().get(s);
      pageRows[s] = stream.rows(spanOf(s));
      int all = requireRows(s);
      rows[s] = CachedRows.allocate(stream.format(), stream.width(), all);
    }
    this.poison = new Poison(layout, rows, pageRows);
    assert poison.all();
  }

  /** The rows of all pages of a stream. */
  private int requireRows(int stream) {
    int pool = layout.poolOf(stream);
    Stream s = layout.streams().get(stream);
    double floats = (double) pools[pool].total() * pageRows[stream] * s.width();
    if (floats > MOST_FLOATS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "max-total-tokens: expected at most %,d floats in each stream of the KV cache, found"
                  + " %,.0f in %s (%,d pages of %,d tokens)",
              MOST_FLOATS,
              floats,
              s.name(),
              pools[pool].total(),
              geometry.span(pool)));
    }
    return pools[pool].total() * pageRows[stream];
  }

  public KvLayout layout() {
    return layout;
  }

  public KvGeometry geometry() {
    return geometry;
  }

  /** The longest sequence, in slots. */
  public int maxSlots() {
    return maxSlots;
  }

  /** The page states of one pool. */
  public PagePool pool(int pool) {
    return pools[pool];
  }

  /** The rows of a stream: all pages of its pool, the dummy included, one after the other. */
  public CachedRows rows(int stream) {
    return rows[stream];
  }

  /** Slots of a page of the pool that a stream lives in. */
  public int spanOf(int stream) {
    return geometry.span(layout.poolOf(stream));
  }

  /** A table for one sequence, without pages yet. */
  public PageTable newTable() {
    return new PageTable(geometry, maxSlots);
  }

  /**
   * Gives the sequence pages up to slot {@code slots - 1}.
   *
   * @throws IllegalArgumentException if the cache cannot hold so long a sequence
   * @throws IllegalStateException if a pool has too few free pages; a scheduler counts them before
   */
  public void reserve(PageTable table, int slots) {
    if (slots > maxSlots) {
      throw new IllegalArgumentException(
          "sequence of " + slots + " slots: this cache holds at most " + maxSlots);
    }
    for (int pool = 0; pool < pools.length; pool++) {
      while (table.end(pool) < geometry.pages(pool, slots)) {
        table.append(pool, pools[pool].take());
      }
    }
  }

  /**
   * Takes back the pages that {@code slots} slots do not need: they held room for drafts that were
   * rejected. The rows of rejected drafts need no undoing, because positions decide what a token
   * sees.
   */
  public void trim(PageTable table, int slots) {
    for (int pool = 0; pool < pools.length; pool++) {
      int keep = geometry.pages(pool, slots);
      for (int i = Math.max(keep, table.first(pool)); i < table.end(pool); i++) {
        release(pool, table.pages(pool)[i]);
      }
      if (keep < table.end(pool)) {
        table.truncate(pool, keep);
      }
    }
  }

  /**
   * Releases the pages that no row can see which is still to be written.
   *
   * @param complete tokens whose rows are written in all streams
   */
  public void pass(PageTable table, int complete) {
    for (int pool = 0; pool < pools.length; pool++) {
      int passed = Math.min(geometry.passed(pool, complete), table.end(pool));
      while (table.first(pool) < passed) {
        release(pool, table.pages(pool)[table.first(pool)]);
        table.pass(pool);
      }
    }
  }

  /**
   * Gives a sequence that is in the next step a device buffer, unless it has one. It keeps the
   * buffer until its pages are released, or until {@link #giveBackBuffer}.
   *
   * @throws IllegalStateException if more sequences have one than can be in a step
   */
  public void takeBuffer(PageTable table) {
    if (layout.buffers().any()) {
      buffers.take(table);
    }
  }

  /** Takes back the device buffer of a sequence that will be in no step any more. */
  public void giveBackBuffer(PageTable table) {
    buffers.giveBack(table);
  }

  /** Releases all pages of a sequence, and its device buffer. */
  public void release(PageTable table) {
    giveBackBuffer(table);
    for (int pool = 0; pool < pools.length; pool++) {
      // Tail first, so that the head of a sequence is reused last.
      for (int i = table.end(pool) - 1; i >= table.first(pool); i--) {
        release(pool, table.pages(pool)[i]);
      }
      table.startAt(pool, 0);
    }
  }

  /** Appends to a table a page that other sequences or the prefix cache hold too. */
  public void share(PageTable table, int pool, int page) {
    pools[pool].retain(page);
    table.append(pool, page);
  }

  /**
   * Lets an empty table begin behind {@code pages} passed pages. A hit needs this where the window
   * has passed its first pages.
   */
  public void skip(PageTable table, int pool, int pages) {
    table.startAt(pool, pages);
  }

  /** Appends to a table the place of a page that comes later; see {@link #fill}. */
  public void leaveOut(PageTable table, int pool) {
    table.append(pool, PagePool.DUMMY);
  }

  /**
   * Gives a place of a table that was left out a free page.
   *
   * @return the page
   * @throws IllegalStateException if the pool has no free page
   */
  public int fill(PageTable table, int pool, int index) {
    int page = pools[pool].take();
    table.replace(pool, index, page);
    return page;
  }

  /**
   * Releases the pages of a table before page {@code first} of a pool; a table whose pages all end
   * before that goes on there. So the rows of a window that come from elsewhere need no pages for
   * what the window has passed.
   */
  public void startTail(PageTable table, int pool, int first) {
    while (table.first(pool) < Math.min(first, table.end(pool))) {
      release(pool, table.pages(pool)[table.first(pool)]);
      table.pass(pool);
    }
    if (table.end(pool) < first) {
      table.startAt(pool, first);
    }
  }

  /**
   * Replaces a page of a table by a page with the same rows that other sequences or the prefix
   * cache hold.
   */
  public void replace(PageTable table, int pool, int index, int page) {
    pools[pool].retain(page);
    release(pool, table.pages(pool)[index]);
    table.replace(pool, index, page);
  }

  /** The prefix cache drops a page. */
  public void evict(int pool, int page) {
    if (pools[pool].drop(page)) {
      assert poison.page(pool, page);
    }
  }

  /** How many new pages {@link #fork} takes. */
  public int forkPages(int pool, PageTable from, int slots, int complete) {
    int first = firstOfFork(pool, from, complete);
    return geometry.pages(pool, slots) - Math.max(first, geometry.blockPages(pool, complete));
  }

  /**
   * The first page that a fork has: as its parent, it has none that no row to come can see, and
   * none that a hit did not need.
   */
  private int firstOfFork(int pool, PageTable from, int complete) {
    return Math.max(from.first(pool), geometry.passed(pool, complete));
  }

  /**
   * Makes the table of a second sequence that has the first {@code slots} tokens of another one.
   * The two share the pages of complete blocks. All other pages are copied, even where a pool's
   * smaller pages are complete: each sequence will complete the block in its own way, and a page
   * belongs to at most one block of the prefix cache.
   *
   * @param from the other sequence's table
   * @param complete tokens whose rows are written in all streams; blocks of these tokens are shared
   */
  public PageTable fork(PageTable from, int slots, int complete) {
    PageTable table = newTable();
    for (int pool = 0; pool < pools.length; pool++) {
      int shared = geometry.blockPages(pool, complete);
      table.startAt(pool, firstOfFork(pool, from, complete));
      for (int i = table.first(pool); i < geometry.pages(pool, slots); i++) {
        if (i < shared) {
          share(table, pool, from.pages(pool)[i]);
        } else {
          int page = pools[pool].take();
          copyPage(pool, from.pages(pool)[i], page);
          table.append(pool, page);
        }
      }
    }
    return table;
  }

  private void copyPage(int pool, int from, int to) {
    for (int s : layout.streamsOf(pool)) {
      rows[s].copy(from * pageRows[s], to * pageRows[s], pageRows[s]);
    }
  }

  private void release(int pool, int page) {
    if (pools[pool].release(page)) {
      assert poison.page(pool, page);
    }
  }

  /**
   * From now on a page that is released keeps its rows until {@link #latePoison} runs: a step may
   * be on its way that still reads or writes them.
   */
  public void poisonLater(boolean later) {
    poison.later(later);
  }

  /**
   * Fills the pages with NaN that were released since the last call. The thread that computes the
   * steps runs it between two of them, in their order. Without assertions it has nothing to do.
   */
  public Runnable latePoison() {
    return poison.late();
  }
}
