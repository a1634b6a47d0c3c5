package orrery.kv;

import java.util.stream.IntStream;

/**
 * How many pages sequences need: arithmetic on lengths alone, so that a scheduler can plan without
 * touching a cache.
 *
 * <p>{@code P} tokens are the unit of sharing. A pool whose streams keep only a window has smaller
 * pages: its span is the largest divisor of P that is at most {@value #MOST_SPAN} and no longer
 * than the window. A page holds whole rows of each stream, so a span is never shorter than the
 * tokens that a row stands for.
 *
 * <p>A page stays held until its last row has left the window. So a sequence holds up to a span
 * less one row more than it can see. With a span as long as the window that would be twice the
 * window, and with a margin (a drafter's, or that of a step of several rows) three pages of it:
 *
 * <pre>
 *   window of 128 and a margin of 2     pages of 128:  3, 384 rows
 *                                       pages of  16: 10, 160 rows
 *                                       pages of   1: 130, as many rows, and as many table entries
 * </pre>
 *
 * <p>{@value #MOST_SPAN} rows are also what a kernel takes at once, so longer runs of rows in one
 * place would gain nothing.
 */
public final class KvGeometry {
  private static final int MOST_SPAN = 16; // slots of a page of a window

  private final int pageTokens;
  private final String[] names; // [pools]
  private final int[] keeps; // [pools]
  private final int[] needs; // [pools] the most that a stream of the pool needs
  private final int[] spans; // [pools] slots of one page

  /**
   * The geometry of a layout with pages of {@code pageTokens} tokens.
   *
   * @throws IllegalArgumentException if that is less than 1, or no multiple of the tokens that a
   *     row of some stream stands for
   */
  public KvGeometry(KvLayout layout, int pageTokens) {
    if (pageTokens < 1) {
      throw new IllegalArgumentException("page-size: expected at least 1, found " + pageTokens);
    }
    this.pageTokens = pageTokens;
    this.keeps = layout.pools();
    this.needs = new int[keeps.length];
    this.spans = new int[keeps.length];
    this.names = IntStream.range(0, keeps.length).mapToObj(layout::name).toArray(String[]::new);
    for (int s = 0; s < layout.streams().size(); s++) {
      Stream stream = layout.streams().get(s);
      requireDivides(stream, pageTokens);
      int pool = layout.poolOf(s);
      needs[pool] = Math.max(needs[pool], stream.needs());
    }
    for (int pool = 0; pool < spans.length; pool++) {
      spans[pool] = span(layout, pool);
    }
  }

  private int span(KvLayout layout, int pool) {
    boolean perPage = false;
    for (int s : layout.streamsOf(pool)) {
      perPage |= layout.streams().get(s).tokensPerRow() == Stream.PER_PAGE;
    }
    if (perPage || keeps[pool] == Stream.ALL) {
      return pageTokens;
    }
    int unit = layout.unit(pool);
    int span = unit;
    for (int s = unit; s <= Math.min(MOST_SPAN, keeps[pool]); s += unit) {
      span = pageTokens % s == 0 ? s : span;
    }
    return span;
  }

  private static void requireDivides(Stream s, int pageTokens) {
    if (s.tokensPerRow() != Stream.PER_PAGE && pageTokens % s.tokensPerRow() != 0) {
      throw new IllegalArgumentException(
          "page-size: expected a multiple of the "
              + s.tokensPerRow()
              + " tokens that one row of "
              + s.name()
              + " stands for, found "
              + pageTokens);
    }
  }

  /** P: slots that are shared together. */
  public int pageTokens() {
    return pageTokens;
  }

  public int pools() {
    return spans.length;
  }

  /** What a user calls a pool; see {@link KvLayout#name}. */
  public String name(int pool) {
    return names[pool];
  }

  /** Slots of one page of a pool. */
  public int span(int pool) {
    return spans[pool];
  }

  /** Pages of a pool that hold P slots. */
  public int perBlock(int pool) {
    return pageTokens / spans[pool];
  }

  /**
   * How many of the newest tokens a token reads, itself included; {@link Stream#ALL} if it reads
   * all.
   */
  public int keeps(int pool) {
    return keeps[pool];
  }

  /**
   * How many tokens before N must be live for a prefix of N tokens to be reusable; {@link
   * Stream#ALL} if all.
   */
  public int needs(int pool) {
    return needs[pool];
  }

  /**
   * Whether a prefix is reusable only with all its pages of this pool. In any other pool a page may
   * be gone while those around it are of use.
   */
  public boolean needsAll(int pool) {
    return needs[pool] == Stream.ALL;
  }

  /** Pages that cover the slots [0, slots). */
  public int pages(int pool, int slots) {
    return Math.ceilDiv(slots, spans[pool]);
  }

  /** Pages of the complete blocks of P slots among the slots [0, slots). */
  public int blockPages(int pool, int slots) {
    return slots / pageTokens * perBlock(pool);
  }

  /** How many pages at the beginning no token from slot {@code slots} on can see. */
  public int passed(int pool, int slots) {
    return keeps[pool] == Stream.ALL ? 0 : Math.max(0, slots + 1 - keeps[pool]) / spans[pool];
  }

  /** How many pages at the beginning a continuation of a reusable prefix does not need. */
  public int unneeded(int pool, int prefix) {
    return needsAll(pool) ? 0 : Math.max(0, prefix - needs[pool]) / spans[pool];
  }

  /**
   * Pages at the beginning of each block of P slots that no continuation of a reusable prefix
   * needs, since such a prefix ends at the end of a block.
   */
  public int unneededOfBlock(int pool) {
    return unneeded(pool, pageTokens);
  }

  /** Pages that a continuation of a reusable prefix needs at most, of a pool with a window. */
  public int needed(int pool) {
    return Math.ceilDiv(needs[pool], spans[pool]);
  }

  /** New pages for a sequence that grows from {@code from} slots to {@code to} slots. */
  public int growth(int pool, int from, int to) {
    return pages(pool, to) - pages(pool, from);
  }

  /**
   * Pages to set aside for a sequence that is expected to grow from {@code from} slots to {@code
   * to} slots, at least one row a step. A windowed pool never needs more at once than its window
   * and the margin take, and the sequence has some of these pages already.
   *
   * <pre>
   *         ├─ behind ─┤├──── keeps ────┤├─ ahead ─┤
   *   |───────|───────|───────|───────|───────|───────|     a window of 8 in pages of 4 slots lies
   *    passed    held ...                                   in at most 3 pages, with a margin of 1
   *                                                         in 3, with one of 2 in 4
   * </pre>
   *
   * @param owned pages that this sequence alone holds; a page that it shares may stay held when it
   *     leaves the window
   * @param margin slots beside the window that a sequence holds pages for: those ahead of its
   *     computed tokens, and those of tokens with rows that are not all written
   */
  public int expected(int pool, int from, int to, int owned, int margin) {
    int grown = growth(pool, from, to);
    if (keeps[pool] == Stream.ALL) {
      return grown;
    }
    int most = Math.ceilDiv(keeps[pool] + margin + spans[pool] - 1, spans[pool]);
    return Math.min(grown, Math.max(0, most - owned));
  }
}
