package orrery.batching;

import orrery.batching.View.Item;
import orrery.kv.KvGeometry;

/** Counts pages while a plan is made: the free pages, less those that rows and admissions take. */
final class Budget {
  private final KvGeometry geometry;
  private final int ahead; // slots beyond the computed tokens that need pages
  private final boolean others; // whether sequences run; a hit may share their pages
  private final int[] free; // [pool]

  Budget(View view) {
    geometry = view.geometry();
    ahead = view.ahead();
    others = !view.running().isEmpty();
    free = view.free().clone();
  }

  private Budget(Budget other) {
    geometry = other.geometry;
    ahead = other.ahead;
    others = other.others;
    free = other.free.clone();
  }

  /** New pages that a sequence needs to compute {@code rows} rows. */
  private int growth(Item item, int rows, int pool) {
    return geometry.growth(pool, item.held(), item.computed() + rows + ahead);
  }

  /** Whether enough pages are free for a sequence to compute {@code rows} rows. */
  boolean fits(Item item, int rows) {
    for (int pool = 0; pool < free.length; pool++) {
      if (growth(item, rows, pool) > free[pool]) {
        return false;
      }
    }
    return true;
  }

  void grow(Item item, int rows) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= growth(item, rows, pool);
    }
  }

  /** The most rows that a sequence can compute, up to {@code wanted}. */
  int mostRows(Item item, int wanted) {
    int rows = wanted;
    while (rows > 0 && !fits(item, rows)) {
      rows--;
    }
    return rows;
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

  /** Takes the idle pages of a waiting sequence's hit: they stop being free when it is admitted. */
  void hold(Item waiting) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= waiting.hitIdle()[pool];
    }
  }

  /** Whether a waiting sequence can be admitted and compute {@code rows} rows. */
  boolean admits(Item waiting, int rows) {
    for (int pool = 0; pool < free.length; pool++) {
      if (waiting.hitIdle()[pool] + growth(waiting, rows, pool) > free[pool]) {
        return false;
      }
    }
    return true;
  }

  /**
   * The most rows, up to {@code wanted}, that a waiting sequence can compute once it is admitted.
   */
  int mostRowsOf(Item waiting, int wanted) {
    int rows = wanted;
    while (rows > 0 && !admits(waiting, rows)) {
      rows--;
    }
    return rows;
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
      int held = geometry.held(pool, last.computed(), last.held());
      free[pool] = Math.max(free[pool], total[pool] - held);
    }
  }

  /**
   * Sets pages aside for a running sequence that is expected to grow from {@code from} to {@code
   * to} slots.
   */
  void reserve(Item running, int from, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= geometry.expected(pool, from, to, running.reclaimable()[pool]);
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
    int idle = waiting.hitIdle()[pool];
    int lent = others ? Math.max(0, geometry.lent(pool, hit) - idle) : 0;
    return idle + lent + geometry.expected(pool, hit, to, idle);
  }

  /**
   * Whether all running sequences can grow to their maximum length, and a fork of {@code parent}
   * too.
   */
  static boolean allCanFinish(View view, Item parent) {
    Budget left = new Budget(view);
    view.running().forEach(item -> left.reserve(item, item.held(), item.longest()));
    for (int pool = 0; pool < left.free.length; pool++) {
      // A fork shares the complete blocks and copies the incomplete one.
      int p = left.geometry.pageTokens();
      int shared = parent.computed() / p * p;
      int pages =
          left.geometry.lent(pool, shared)
              + left.geometry.expected(pool, shared, parent.longest(), 0);
      if (pages > left.free[pool]) {
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
