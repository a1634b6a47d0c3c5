package orrery.kv;

/**
 * How many pages sequences need: arithmetic on lengths alone, so that a scheduler can plan without
 * touching a cache.
 *
 * <p>{@code P} tokens are the unit of sharing. A pool whose streams keep only a window may use
 * smaller pages: its span is the largest divisor of P that is not longer than the window.
 */
public final class KvGeometry {
  private final int pageTokens;
  private final int[] keeps; // [pool]
  private final int[] spans; // [pool] slots of one page

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
    for (Stream s : layout.streams()) {
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
    this.pageTokens = pageTokens;
    this.keeps = layout.pools();
    this.spans = new int[keeps.length];
    for (int pool = 0; pool < spans.length; pool++) {
      int span = pageTokens;
      while (pageTokens % span != 0 || (span > 1 && span > keeps[pool])) {
        span--;
      }
      spans[pool] = span;
    }
  }

  /** P: slots that are shared together. */
  public int pageTokens() {
    return pageTokens;
  }

  public int pools() {
    return spans.length;
  }

  /** Slots of one page of a pool. */
  public int span(int pool) {
    return spans[pool];
  }

  /**
   * How many of the newest tokens a token reads, itself included; {@link Stream#ALL} if it reads
   * all.
   */
  public int keeps(int pool) {
    return keeps[pool];
  }

  /** Pages that cover the slots [0, slots). */
  public int pages(int pool, int slots) {
    return Math.ceilDiv(slots, spans[pool]);
  }

  /** How many pages at the beginning no token from slot {@code slots} on can see. */
  public int passed(int pool, int slots) {
    return keeps[pool] == Stream.ALL ? 0 : Math.max(0, slots + 1 - keeps[pool]) / spans[pool];
  }

  /**
   * Pages that a sequence of {@code slots} computed tokens holds once passed pages are released.
   */
  public int held(int pool, int slots) {
    return held(pool, slots, slots);
  }

  /** Pages held by a sequence of {@code computed} tokens that has room for {@code slots} slots. */
  public int held(int pool, int computed, int slots) {
    return pages(pool, slots) - Math.min(passed(pool, computed), pages(pool, slots));
  }

  /** New pages for a sequence that grows from {@code from} slots to {@code to} slots. */
  public int growth(int pool, int from, int to) {
    return pages(pool, to) - pages(pool, from);
  }

  /**
   * Pages to set aside for a sequence that is expected to grow from {@code from} slots to {@code
   * to} slots. A windowed pool never needs more than its window and the page being filled, and the
   * sequence has some of these pages already.
   *
   * @param owned pages that this sequence alone holds; a page that it shares may stay held when it
   *     leaves the window
   */
  public int expected(int pool, int from, int to, int owned) {
    int grown = growth(pool, from, to);
    return keeps[pool] == Stream.ALL
        ? grown
        : Math.min(grown, Math.max(0, keeps[pool] / spans[pool] + 2 - owned));
  }

  /**
   * Pages of a windowed pool that a sequence of {@code slots} tokens shares once another sequence
   * begins with the same tokens.
   */
  public int lent(int pool, int slots) {
    return keeps[pool] == Stream.ALL ? 0 : held(pool, slots);
  }
}
