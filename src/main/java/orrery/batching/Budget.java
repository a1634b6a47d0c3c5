package orrery.batching;

import orrery.batching.View.Item;
import orrery.kv.KvGeometry;

/** Counts pages while a plan is made: what is free, what rows and admissions take. */
final class Budget {
  private final KvGeometry geometry;
  private final int[] free; // [pool]

  Budget(View view) {
    geometry = view.geometry();
    free = view.free().clone();
  }

  private Budget(Budget other) {
    geometry = other.geometry;
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

  /** Sets pages aside for growth that is expected, not planned. */
  void reserve(int from, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] -= geometry.expected(pool, from, to);
    }
  }

  /** Whether a waiting one fits with all that it is expected to grow to. */
  boolean admitsExpected(Item waiting, int to) {
    for (int pool = 0; pool < free.length; pool++) {
      int pages = waiting.hitIdle()[pool] + geometry.expected(pool, waiting.hit(), to);
      if (pages > free[pool]) {
        return false;
      }
    }
    return true;
  }

  /** Whether all that run can grow to their longest, and a fork of one of them beside them. */
  static boolean allCanFinish(View view, Item parent) {
    Budget left = new Budget(view);
    view.running().forEach(item -> left.reserve(item.computed(), item.longest()));
    for (int pool = 0; pool < left.free.length; pool++) {
      // A fork copies the partial page; complete ones it shares.
      int shared = parent.computed() / left.geometry.span(pool) * left.geometry.span(pool);
      if (left.geometry.expected(pool, shared, parent.longest()) > left.free[pool]) {
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
