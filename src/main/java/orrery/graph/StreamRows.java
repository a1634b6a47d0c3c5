package orrery.graph;

import orrery.kernels.CachedRows;
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
 * @param stream its index in the layout
 * @param stored all pages of the stream's pool, one after the other: [pages][span / tokensPerRow]
 * @param pool the pool whose page table addresses the rows
 * @param span slots of a page
 * @param tokensPerRow tokens that a row stands for; the span if a page has one row
 */
public record StreamRows(
    String name, int stream, CachedRows stored, int pool, int span, int tokensPerRow)
    implements Operand {

  /**
   * @throws IllegalArgumentException if a page would not hold whole rows
   */
  public StreamRows {
    if (tokensPerRow < 1 || span < 1 || span % tokensPerRow != 0) {
      throw new IllegalArgumentException(
          "rows of "
              + name
              + ": expected pages of whole rows, found "
              + span
              + " slots, "
              + tokensPerRow
              + " tokens a row");
    }
  }

  /** The rows of a stream. */
  public static StreamRows of(KvCache cache, int stream) {
    Stream s = cache.layout().streams().get(stream);
    int span = cache.spanOf(stream);
    return new StreamRows(
        s.name(),
        stream,
        cache.rows(stream),
        cache.layout().poolOf(stream),
        span,
        s.tokensPerRow() == Stream.PER_PAGE ? span : s.tokensPerRow());
  }

  /** The pages of the sequence of row {@code r}, from the page of slot 0 on. */
  public int[] pages(Step step, int r) {
    return pages(step.tables[step.sequence[r]]);
  }

  /** The pages of a sequence, from the page of slot 0 on. */
  public int[] pages(PageTable table) {
    return table.pages(pool);
  }

  /** Floats of a row. */
  public int width() {
    return stored.width();
  }

  /**
   * The rows of a stream of float32, [pages][span / tokensPerRow][width].
   *
   * @throws IllegalStateException if the stream has another format
   */
  public float[] data() {
    return stored.floats();
  }

  /**
   * The row that stands for a slot, among others if it stands for several; rows are counted over
   * all pages.
   *
   * @param pages of the sequence, see {@link #pages(Step, int)}
   */
  public int row(int[] pages, int slot) {
    return pages[slot / span] * (span / tokensPerRow) + slot % span / tokensPerRow;
  }

  /** Index of the first number of {@link #row}, among the numbers of all rows. */
  public int at(int[] pages, int slot) {
    return row(pages, slot) * width();
  }

  /** How many rows the token at a slot sees: also the one that its own token makes complete. */
  public int entries(int slot) {
    return (slot + 1) / tokensPerRow;
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
