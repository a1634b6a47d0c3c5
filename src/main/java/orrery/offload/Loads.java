package orrery.offload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/** Parts on their way from host memory into the pages of hits. */
final class Loads {
  /**
   * Pages of a part that a table lacks.
   *
   * @param at the place in the table of the part's first page
   */
  private record Lack(HostPart part, PageTable table, int at) {}

  private final KvCache kv;
  private final PartLayout layout;
  private final HostIndex host;
  private final Mover mover;
  private final TierReport report;
  private final List<Lack> lacks = new ArrayList<>(); // of hits since the last load
  private final int[] pages; // [pools] that these lack
  private final Map<Copy, HostPart> running = new IdentityHashMap<>(); // not settled

  Loads(KvCache kv, PartLayout layout, HostIndex host, Mover mover, TierReport report) {
    this.kv = kv;
    this.layout = layout;
    this.host = host;
    this.mover = mover;
    this.report = report;
    this.pages = new int[layout.pools()];
  }

  /** Pages of a pool that hits lack. */
  int lacking(int pool) {
    return pages[pool];
  }

  /**
   * Takes note of a part that the table of a hit needs pages of; its slot keeps it from now on.
   *
   * @return how many pages of it the table lacks
   */
  int add(Lookup found, int block, int pool, PageTable table) {
    int at = block * kv.geometry().perBlock(pool) + layout.first(pool);
    int missing = 0;
    for (int i = 0; i < layout.pages(pool); i++) {
      missing += lacks(table, pool, at + i) ? 1 : 0;
    }
    if (missing > 0) {
      HostPart part = host.whole(new Part(found.key(block), pool));
      part.read();
      lacks.add(new Lack(part, table, at));
      pages[pool] += missing;
    }
    return missing;
  }

  private static boolean lacks(PageTable table, int pool, int at) {
    return at >= table.first(pool) && table.pages(pool)[at] == Copy.NO_PAGE;
  }

  /** Gives the tables their pages, which must be free, and begins to load the rows. */
  Arrival begin() {
    if (lacks.isEmpty()) {
      return Arrival.COMPLETE;
    }
    List<Copy> copies = new ArrayList<>(lacks.size());
    for (Lack lack : lacks) {
      Copy copy = copy(lack);
      copies.add(copy);
      running.put(copy, lack.part);
    }
    lacks.clear();
    Arrays.fill(pages, 0);
    Arrival arrival = mover.load(copies);
    report.begun(copies, arrival);
    return arrival;
  }

  private Copy copy(Lack lack) {
    Part part = lack.part.part;
    int[] to = new int[layout.pages(part.pool())]; // [pages of a part]
    for (int i = 0; i < to.length; i++) {
      boolean lacking = lacks(lack.table, part.pool(), lack.at + i);
      to[i] = lacking ? kv.fill(lack.table, part.pool(), lack.at + i) : Copy.NO_PAGE;
    }
    return new Copy(Copy.Way.LOAD, part, lack.part.slot, to);
  }

  /** A load has ended. */
  void ended(Copy copy) {
    HostPart part = running.remove(copy);
    part.unread();
    host.rest(part);
  }

  /**
   * Recounts the readers of parts.
   *
   * @param others that read slots: writes to files, and parts that stay for requests
   * @throws IllegalStateException if the books do not balance
   */
  void check(int others) {
    int all = lacks.size() + running.size() + others;
    int readers = all;
    for (int pool = 0; pool < pages.length; pool++) {
      int[] found = new int[1];
      host.each(pool, part -> found[0] += part.readers());
      readers -= found[0];
    }
    if (readers != 0) {
      throw new IllegalStateException(
          lacks.size()
              + " loads wait and "
              + running.size()
              + " run, and "
              + others
              + " other readers; but the readers of parts are "
              + (all - readers));
    }
  }
}
