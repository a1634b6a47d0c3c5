package orrery.graph;

import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * The rows of one stream of a cache, as ops read and write them, and the one place where a slot
 * becomes a row:
 *
 * <pre>
 *   slot ──> page = pages[slot / span] ──> row = slot % span / tokensPerRow of that page
 * </pre>
 *
 * <p>Within a page the rows lie one after the other. A kernel that wants another order within the
 * page, as classic attention does for its keys, has a shape of its own that says so.
 *
 * @param name of the stream
 * @param data all pages of the stream's pool, one after the other: [pages][span /
 *     tokensPerRow][width]
 * @param pool the pool whose page table addresses the rows
 * @param span slots of a page
 * @param tokensPerRow tokens that a row stands for; the span if a page has one row
 * @param width floats of a row
 */
public record StreamRows(String name, float[] data, int pool, int span, int tokensPerRow, int width)
    implements Operand {

  /**
   * @throws IllegalArgumentException if a page would not hold whole rows
   */
  public StreamRows {
    if (tokensPerRow < 1 || width < 1 || span < 1 || span % tokensPerRow != 0) {
      throw new IllegalArgumentException(
          "rows of "
              + name
              + ": expected pages of whole rows, found "
              + span
              + " slots, "
              + tokensPerRow
              + " tokens a row, "
              + width
              + " floats");
    }
  }

  /** The rows of a stream. */
  public static StreamRows of(KvCache cache, int stream) {
    Stream s = cache.layout().streams().get(stream);
    int span = cache.spanOf(stream);
    return new StreamRows(
        s.name(),
        cache.data(stream),
        cache.layout().poolOf(stream),
        span,
        s.tokensPerRow() == Stream.PER_PAGE ? span : s.tokensPerRow(),
        s.width());
  }

  /** The pages of the sequence of row {@code r}, from the page of slot 0 on. */
  public int[] pages(Step step, int r) {
    return pages(step.tables[step.sequence[r]]);
  }

  /** The pages of a sequence, from the page of slot 0 on. */
  public int[] pages(PageTable table) {
    return table.pages(pool);
  }

  /**
   * Index in {@link #data} of the first float of the row that stands for a slot, among others if a
   * row stands for several.
   *
   * @param pages of the sequence, see {@link #pages(Step, int)}
   */
  public int at(int[] pages, int slot) {
    int page = pages[slot / span];
    return (page * (span / tokensPerRow) + slot % span / tokensPerRow) * width;
  }

  /** Whether a slot is the last that its row stands for: its token makes the row complete. */
  public boolean completes(int slot) {
    return slot % tokensPerRow == tokensPerRow - 1;
  }

  @Override
  public String toString() {
    return name;
  }
}
