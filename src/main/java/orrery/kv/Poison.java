package orrery.kv;

import java.util.ArrayList;
import java.util.List;
import orrery.kernels.CachedRows;

/**
 * Fills pages that are free with NaN, so that a read of a free page shows. Only assertions call it
 * to fill a page, so it costs nothing without them.
 */
final class Poison {
  private final KvLayout layout;
  private final CachedRows[] rows; // [streams] all pages
  private final int[] pageRows; // [streams] rows of one page
  private final List<int[]> released = new ArrayList<>(); // pool and page, to be filled later
  private boolean later; // whether pages that are released now are filled later

  Poison(KvLayout layout, CachedRows[] rows, int[] pageRows) {
    this.layout = layout;
    this.rows = rows;
    this.pageRows = pageRows;
  }

  /** Whether pages that are released from now on wait for {@link #late}. */
  void later(boolean later) {
    this.later = later;
  }

  /** Fills, when it runs, the pages that were released since the last call. */
  Runnable late() {
    List<int[]> pages = List.copyOf(released);
    released.clear();
    return () -> pages.forEach(p -> fill(p[0], p[1]));
  }

  /** Fills all pages; true, for an assertion. */
  boolean all() {
    for (CachedRows ofStream : rows) {
      ofStream.fillNaN(0, ofStream.rows());
    }
    return true;
  }

  /** A page has become free; true, for an assertion. */
  boolean page(int pool, int page) {
    if (later) {
      released.add(new int[] {pool, page});
    } else {
      fill(pool, page);
    }
    return true;
  }

  private void fill(int pool, int page) {
    for (int s : layout.streamsOf(pool)) {
      rows[s].fillNaN(page * pageRows[s], pageRows[s]);
    }
  }
}
