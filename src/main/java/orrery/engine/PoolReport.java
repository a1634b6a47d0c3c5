package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.batching.Sequence;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PagePool;
import orrery.kv.PageTable;

/** What the pools look like, for events. */
final class PoolReport {
  private final KvCache kv;
  private final int[] passed; // [pools] pages that windows have passed since the last report

  PoolReport(KvCache kv) {
    this.kv = kv;
    this.passed = new int[kv.geometry().pools()];
  }

  /** The windows of a sequence are about to pass pages; {@link #passed} must follow. */
  void passing(PageTable table) {
    for (int pool = 0; pool < passed.length; pool++) {
      passed[pool] -= table.first(pool);
    }
  }

  /** The windows of a sequence have passed pages. */
  void passed(PageTable table) {
    for (int pool = 0; pool < passed.length; pool++) {
      passed[pool] += table.first(pool);
    }
  }

  /** The pages of each pool, and how many windows have passed since the report before. */
  List<PoolPages> step() {
    List<PoolPages> report = new ArrayList<>();
    for (int pool = 0; pool < passed.length; pool++) {
      PagePool p = kv.pool(pool);
      KvGeometry g = kv.geometry();
      report.add(
          new PoolPages(
              g.name(pool), g.span(pool), p.available(), p.referenced(), p.idle(), passed[pool]));
    }
    Arrays.fill(passed, 0);
    return List.copyOf(report);
  }

  /** Which request holds each page, for each pool. */
  List<Event.PageMap> maps(long nanos, List<Sequence> running) {
    List<Event.PageMap> maps = new ArrayList<>();
    for (int pool = 0; pool < passed.length; pool++) {
      maps.add(new Event.PageMap(nanos, kv.geometry().name(pool), holders(pool, running)));
    }
    return maps;
  }

  /** [pages] The holder of each page of a pool, coded as in {@link Event.PageMap}. */
  private int[] holders(int pool, List<Sequence> running) {
    int[] holder = new int[kv.pool(pool).total()]; // [pages]
    for (int page = 1; page < holder.length; page++) {
      holder[page] = kv.pool(pool).isCached(page) ? Event.PageMap.IDLE : Event.PageMap.FREE;
    }
    for (Sequence s : running) {
      for (int i = s.table().first(pool); i < s.table().end(pool); i++) {
        int page = s.table().pages(pool)[i];
        boolean shared = kv.pool(pool).references(page) > 1;
        holder[page] = shared ? Event.PageMap.SHARED : s.request;
      }
    }
    return Arrays.copyOfRange(holder, 1, holder.length); // without the dummy
  }
}
