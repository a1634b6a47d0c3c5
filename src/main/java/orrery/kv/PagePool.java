package orrery.kv;

/**
 * The pages of one pool: a stack of free page numbers, so taking and giving back cost a few loads.
 */
public final class PagePool {
  private final int[] free; // [pages] the first `available` are free
  private final boolean[] taken; // [pages]
  private int available;

  public PagePool(int pages) {
    if (pages < 1) {
      throw new IllegalArgumentException("pages: expected at least 1, found " + pages);
    }
    free = new int[pages];
    taken = new boolean[pages];
    for (int i = 0; i < pages; i++) {
      free[i] = pages - 1 - i; // page 0 is taken first
    }
    available = pages;
  }

  public int total() {
    return free.length;
  }

  public int available() {
    return available;
  }

  /**
   * Takes a free page; asking an empty pool is a bug of the caller, who knows {@link #available}.
   */
  public int take() {
    if (available == 0) {
      throw new IllegalStateException("no free page of " + free.length);
    }
    int page = free[--available];
    taken[page] = true;
    return page;
  }

  /** Gives a page back. */
  public void give(int page) {
    if (!taken[page]) {
      throw new IllegalStateException("page " + page + " is free already");
    }
    taken[page] = false;
    free[available++] = page;
  }
}
