package orrery.engine;

import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.kv.KvCache;
import orrery.kv.PagePool;
import orrery.kv.PageTable;
import orrery.prefix.PrefixCache;

/** Conditions that must hold between two steps; checked after every step when assertions are on. */
final class Invariants {
  private Invariants() {}

  /**
   * @param margin slots beside its window that a sequence may hold pages for
   * @throws IllegalStateException naming the condition that does not hold
   */
  static boolean hold(KvCache kv, PrefixCache prefix, Queues queues, int margin) {
    prefix.check();
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      PagePool pages = kv.pool(pool);
      pages.check();
      int[] holders = new int[pages.total()]; // [pages] counted from the tables
      for (Sequence s : queues.withPages()) {
        count(s, s.table(), pool, holders);
        requireBooked(s, pool, kv.geometry().pages(pool, s.held()));
        int most = kv.geometry().expected(pool, 0, s.longest, 0, margin + s.flying());
        requireExpected(s, pool, most);
      }
      for (int page = 1; page < pages.total(); page++) {
        if (holders[page] != pages.references(page)) {
          throw new IllegalStateException(
              "page "
                  + page
                  + " of pool "
                  + pool
                  + " is in "
                  + holders[page]
                  + " tables, but has "
                  + pages.references(page)
                  + " references");
        }
      }
    }
    return true;
  }

  /** Checks that a sequence holds exactly the pages that the policies count for it. */
  private static void requireBooked(Sequence s, int pool, int end) {
    if (s.table().end(pool) != end) {
      throw new IllegalStateException(
          "sequence "
              + s.id
              + " has pages of pool "
              + pool
              + " up to "
              + s.table().end(pool)
              + ", but its "
              + s.held()
              + " slots need them up to "
              + end);
    }
  }

  /** Checks that a sequence holds no more pages than it was admitted with. */
  private static void requireExpected(Sequence s, int pool, int most) {
    int held = s.table().end(pool) - s.table().first(pool);
    if (held > most) {
      throw new IllegalStateException(
          "sequence "
              + s.id
              + " holds "
              + held
              + " pages of pool "
              + pool
              + ", but was admitted with at most "
              + most);
    }
  }

  private static void count(Sequence s, PageTable table, int pool, int[] holders) {
    for (int i = table.first(pool); i < table.end(pool); i++) {
      int page = table.pages(pool)[i];
      if (page == PagePool.DUMMY) {
        throw new IllegalStateException("sequence " + s.id + " holds the dummy page");
      }
      holders[page]++;
    }
  }
}
