package orrery.kv;

/** Where the tokens of one sequence lie: for each pool, the page of every run of P slots. */
public final class PageTable {
  private final int pageTokens;
  private final int[][] pages; // [pool][slot / pageTokens]
  private int held; // pages per pool

  PageTable(int pools, int pageTokens, int maxPages) {
    this.pageTokens = pageTokens;
    this.pages = new int[pools][maxPages];
  }

  /** The pages of one pool, by slot / P; entries from {@link #slots} on mean nothing. */
  public int[] pages(int pool) {
    return pages[pool];
  }

  /** Slots that have a page. */
  public int slots() {
    return held * pageTokens;
  }

  int held() {
    return held;
  }

  void append(int[] pageOfPool) {
    for (int pool = 0; pool < pages.length; pool++) {
      pages[pool][held] = pageOfPool[pool];
    }
    held++;
  }

  void clear() {
    held = 0;
  }
}
