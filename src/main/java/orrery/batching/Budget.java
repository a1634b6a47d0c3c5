package orrery.batching;

import java.util.List;
import orrery.batching.View.Item;
import orrery.kv.KvGeometry;
import orrery.kv.Stream;

/** Counts pages while a plan is made: the free pages, less those that rows and admissions take. */
final class Budget {
  private final KvGeometry geometry;
  private final int ahead; // slots beyond the computed tokens that need pages
  private final int margin; // slots beside its window that a sequence may hold pages for
  private final int[] free; // [pools]
  private boolean admitted; // whether pages were set aside for a waiting sequence

  Budget(View view) {
    geometry = view.geometry();
    ahead = view.ahead();
    margin = view.margin();
    free = view.free().clone();
  }

  private Budget(Budget other) {
    geometry = other.geometry;
    ahead = other.ahead;
    margin = other.margin;
    free = other.free.clone();
    admitted = other.admitted;
  }

  /** New pages that a sequence needs to compute {@code rows} rows. */
  private int growth(Item item, int rows, int pool) {
    return geometry.growth(pool, item.held(), item.computed() + rows + ahead);
  }

  /** Whether enough pages are free for a sequence to compute {@code rows} rows. */
  boolean fits(Item item, int rows) {
    return mostRows(item, rows) == rows;
  }

  void grow(Item item, int rows) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= growth(item, rows, pool);
    }
  }

  /** The most rows that a sequence can compute, up to {@code wanted}. */
  int mostRows(Item item, int wanted) {
    long rows = wanted;
    for (int pool = 0; pool < free.length; pool++) {
      rows = Math.min(rows, rowsIn(item, pool, free[pool]));
    }
    return (int) Math.max(0, rows);
  }

  /**
   * The most rows, up to {@code wanted} but at least one, for which the pools with a window have
   * pages beside one row of each of the others. A chunk may wait for such a pool, since windows
   * give pages back with every step.
   */
  int mostRowsOfWindows(Item item, int wanted, List<Item> others) {
    long rows = wanted;
    for (int pool = 0; pool < free.length; pool++) {
      if (geometry.keeps(pool) != Stream.ALL) {
        int left = free[pool];
        for (Item other : others) {
          left -= growth(other, 1, pool);
        }
        rows = Math.min(rows, rowsIn(item, pool, left));
      }
    }
    return (int) Math.max(1, rows);
  }

  /** Rows that a sequence can compute with {@code left} more pages of a pool. */
  private long rowsIn(Item item, int pool, int left) {
    long pages = (long) geometry.pages(pool, item.held()) + left;
    return pages * geometry.span(pool) - item.computed() - ahead;
  }

  /**
   * The most rows, up to {@code wanted}, that a sequence can compute beside {@code planned} rows.
   * Those have their pages already.
   */
  int moreRows(Item item, int planned, int wanted) {
    Budget without = copy();
    for (int pool = 0; pool < free.length; pool++) {
      without.free[pool] += growth(item, planned, pool);
    }
    return Math.max(0, without.mostRows(item, planned + wanted) - planned);
  }

  /** Takes the pages of {@code more} rows beside {@code planned} rows. */
  void growMore(Item item, int planned, int more) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= growth(item, planned + more, pool) - growth(item, planned, pool);
    }
  }

  /** Takes what a waiting sequence's hit takes: it stops being free when it is admitted. */
  void hold(Item waiting) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= waiting.takes()[pool];
    }
  }

  /**
   * How many of {@code wanted} rows a waiting sequence can compute once it is admitted, or 0 if it
   * has to wait: pools that keep all must have pages for all these rows. Pools with a window must
   * have pages for its window; they give pages back with every step, so they may cut the rows.
   */
  int admits(Item waiting, int wanted) {
    int to = waiting.computed() + wanted;
    for (int pool = 0; pool < free.length; pool++) {
      if (geometry.keeps(pool) != Stream.ALL && expected(waiting, to, pool) > free[pool]) {
        return 0;
      }
    }
    Budget with = copy();
    with.hold(waiting);
    int rows = with.mostRowsOfWindows(waiting, wanted, List.of());
    return with.fits(waiting, rows) ? rows : 0;
  }

  /**
   * The most rows, up to {@code wanted}, that a waiting sequence can compute once it is admitted.
   */
  int mostRowsOf(Item waiting, int wanted) {
    Budget with = copy();
    with.hold(waiting);
    return with.mostRows(waiting, wanted);
  }

  /** Gives back the pages of a retracted sequence. */
  void reclaim(Item running) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] += running.reclaimable()[pool];
    }
  }

  /** Counts all pages as free but those of one sequence, the only one that still holds pages. */
  void leaveTo(Item last, int[] total) {
    for (int pool = 0; pool < free.length; pool++) {
      int held = geometry.pages(pool, last.held()) - last.first()[pool];
      free[pool] = Math.max(free[pool], total[pool] - held);
    }
  }

  /**
   * Sets pages aside for a running sequence that is expected to grow from {@code from} to {@code
   * to} slots.
   */
  void reserve(Item running, int from, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= geometry.expected(pool, from, to, running.reclaimable()[pool], margin);
    }
  }

  /**
   * Sets pages aside for a waiting sequence: for its hit, and for its expected growth to {@code to}
   * slots.
   */
  void reserveWaiting(Item waiting, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= expected(waiting, to, pool);
    }
    admitted = true;
  }

  /** Whether a waiting sequence fits with its expected growth to {@code to} slots. */
  boolean admitsExpected(Item waiting, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      if (expected(waiting, to, pool) > free[pool]) {
        return false;
      }
    }
    return true;
  }

  private int expected(Item waiting, int to, int pool) {
    int hit = waiting.computed();
    int takes = waiting.takes()[pool];
    int used = geometry.pages(pool, hit) - waiting.first()[pool] - takes; // by running sequences
    // What its hit takes is its own, unless another sequence that is admitted now takes the same
    // idle pages.
    int owned = admitted ? 0 : takes;
    return takes + lent(used, pool) + geometry.expected(pool, hit, to, owned, margin);
  }

  /**
   * Pages that a running sequence gives back later than expected once another one shares them. A
   * pool that keeps all gives none back before the end.
   */
  private int lent(int shared, int pool) {
    return geometry.keeps(pool) == Stream.ALL ? 0 : shared;
  }

  /**
   * Whether all running sequences can grow to their maximum length, and a fork of {@code parent}
   * too. The fork shares the pages of complete blocks and copies the others, as {@link
   * orrery.kv.KvCache#fork} does.
   */
  static boolean allCanFinish(View view, Item parent) {
    Budget left = new Budget(view);
    view.running().forEach(item -> left.reserve(item, item.held(), item.longest()));
    KvGeometry g = left.geometry;
    for (int pool = 0; pool < left.free.length; pool++) {
      int first = parent.first()[pool];
      int end = Math.max(first, g.blockPages(pool, parent.complete())); // of the shared pages
      int grown = g.expected(pool, end * g.span(pool), parent.longest(), 0, left.margin);
      if (left.lent(end - first, pool) + grown > left.free[pool]) {
        return false;
      }
    }
    return true;
  }

  /** An independent copy. */
  Budget copy() {
    return new Budget(this);
  }
}
