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

  /** Newest tokens that a token reads, itself included; {@link Stream#ALL} if all. */
  public int keeps(int pool) {
    return keeps[pool];
  }

  /** Pages that cover the slots [0, slots). */
  public int pages(int pool, int slots) {
    return Math.ceilDiv(slots, spans[pool]);
  }

  /** First pages that no token from slot {@code slots} on can see. */
  public int passed(int pool, int slots) {
    return keeps[pool] == Stream.ALL ? 0 : Math.max(0, slots + 1 - keeps[pool]) / spans[pool];
  }

  /** Pages that a sequence of {@code slots} computed tokens holds once passed ones are released. */
  public int held(int pool, int slots) {
    return held(pool, slots, slots);
  }

  /** The same for one that holds pages of {@code slots} slots, some beyond its computed tokens. */
  public int held(int pool, int computed, int slots) {
    return pages(pool, slots) - Math.min(passed(pool, computed), pages(pool, slots));
  }

  /** New pages when a sequence grows from so many slots to so many. */
  public int growth(int pool, int from, int to) {
    return pages(pool, to) - pages(pool, from);
  }

  /**
   * Pages to set aside for growth that is expected, from so many slots to so many: a windowed pool
   * never needs more than its window and the page being filled, of which the sequence has some.
   *
   * @param owned pages that it holds and nobody else: those it shares, it cannot count on to become
   *     free when they leave its window
   */
  public int expected(int pool, int from, int to, int owned) {
    int grown = growth(pool, from, to);
    return keeps[pool] == Stream.ALL
        ? grown
        : Math.min(grown, Math.max(0, keeps[pool] / spans[pool] + 2 - owned));
  }

  /** Pages that become shared when another sequence begins with the same so many tokens. */
  public int lent(int pool, int slots) {
    return keeps[pool] == Stream.ALL ? 0 : held(pool, slots);
  }
}
