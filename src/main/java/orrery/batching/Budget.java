package orrery.batching;

import orrery.batching.View.Item;
import orrery.kv.KvGeometry;

/** Counts pages while a plan is made: what is free, what rows and admissions take. */
final class Budget {
  private final KvGeometry geometry;
  private final boolean others; // somebody runs, whose pages a hit may share
  private final int[] free; // [pool]

  Budget(View view) {
    geometry = view.geometry();
    others = !view.running().isEmpty();
    free = view.free().clone();
  }

  private Budget(Budget other) {
    geometry = other.geometry;
    others = other.others;
    free = other.free.clone();
  }

  /** Whether a sequence can grow from so many computed tokens to so many. */
  boolean fits(int from, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      if (geometry.growth(pool, from, to) > free[pool]) {
        return false;
      }
    }
    return true;
  }

  void grow(int from, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= geometry.growth(pool, from, to);
    }
  }

  /** The pages of a waiting one's hit stop being free when it is admitted. */
  void hold(Item waiting) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= waiting.hitIdle()[pool];
    }
  }

  /** Whether a waiting one can be admitted and grow to so many computed tokens. */
  boolean admits(Item waiting, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      int pages = waiting.hitIdle()[pool] + geometry.growth(pool, waiting.hit(), to);
      if (pages > free[pool]) {
        return false;
      }
    }
    return true;
  }

  /** A retracted sequence's pages. */
  void reclaim(Item running) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] += running.reclaimable()[pool];
    }
  }

  /** Nobody but one sequence of so many computed tokens holds pages any more. */
  void leaveTo(int computed, int[] total) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] = Math.max(free[pool], total[pool] - geometry.held(pool, computed));
    }
  }

  /** The most rows that a sequence can grow by, up to {@code wanted}. */
  int mostRows(int from, int wanted) {
    int rows = wanted;
    while (rows > 0 && !fits(from, from + rows)) {
      rows--;
    }
    return rows;
  }

  /** The same for a waiting one that would be admitted. */
  int mostRowsOf(Item waiting, int wanted) {
    int rows = wanted;
    while (rows > 0 && !admits(waiting, waiting.hit() + rows)) {
      rows--;
    }
    return rows;
  }

  /** Sets pages aside for growth of a running one that is expected, not planned. */
  void reserve(Item running, int from, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= geometry.expected(pool, from, to, running.reclaimable()[pool]);
    }
  }

  /** Sets pages aside for a waiting one: its hit, and all that it is expected to grow to. */
  void reserveWaiting(Item waiting, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= expected(waiting, to, pool);
    }
  }

  /** Whether a waiting one fits with all that it is expected to grow to. */
  boolean admitsExpected(Item waiting, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      if (expected(waiting, to, pool) > free[pool]) {
        return false;
      }
    }
    return true;
  }

  private int expected(Item waiting, int to, int pool) {
    int idle = waiting.hitIdle()[pool];
    int lent = others ? Math.max(0, geometry.lent(pool, waiting.hit()) - idle) : 0;
    return idle + lent + geometry.expected(pool, waiting.hit(), to, idle);
  }

  /** Whether all that run can grow to their longest, and a fork of one of them beside them. */
  static boolean allCanFinish(View view, Item parent) {
    Budget left = new Budget(view);
    view.running().forEach(item -> left.reserve(item, item.computed(), item.longest()));
    for (int pool = 0; pool < left.free.length; pool++) {
      // A fork copies the incomplete block; complete ones it shares.
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
