package orrery.madeup;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.kv.Arrival;
import orrery.kv.PageTable;

/**
 * Looks, before a step, at all rows that its sequences hold: each is there, at its own slot. That
 * finds a row that is missing long before a token reads it.
 *
 * <p>Rows of the MTP layer may be put off, but not those of a prefix hit. A hit ends at the end of
 * a page. So they are looked at in the first step of a table, if it begins there; a fork that
 * begins there has them too.
 *
 * @param mtp the MTP layer's stream, or null
 * @param pageTokens P
 * @param seen tables of sequences that were in a step before, in a copy if steps overlap
 */
record RequireRows(List<RowStream> streams, RowStream mtp, int pageTokens, Set<PageTable> seen)
    implements Op {
  RequireRows(List<RowStream> streams, RowStream mtp, int pageTokens) {
    this(streams, mtp, pageTokens, Collections.newSetFromMap(new WeakHashMap<>()));
  }

  @Override
  public void run(Step step, int share, int shares) {
    step.arrival().await(Arrival.EVERY_STREAM); // it says not what it reads, so no one waits for it
    for (int r = 0; r < step.rows() && share == 0; r++) {
      boolean first = r == 0 || step.sequence[r] != step.sequence[r - 1];
      PageTable table = step.tables[step.sequence[r]];
      if (first && table.end(0) > 0) { // the table of padding has no pages
        int computed = step.slot[r];
        streams.forEach(stream -> require(stream, table, 0, computed));
        if (seen.add(table.original()) && computed % pageTokens == 0 && mtp != null) {
          require(mtp, table, 1, computed);
        }
      }
    }
  }

  private static void require(RowStream stream, PageTable table, int firstSlot, int computed) {
    int per = stream.tokensPerRow();
    int held = table.first(stream.pool()) * stream.span();
    for (int s = Math.max(firstSlot, held) / per * per + per - 1; s < computed; s += per) {
      float found = stream.tag(table, s);
      if (found != s) {
        throw new IllegalStateException(
            "before slot "
                + computed
                + ": expected the row of slot "
                + s
                + " in pool "
                + stream.pool()
                + ", found "
                + found);
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(); // it makes nothing of them
  }

  @Override
  public List<Operand> writes() {
    return List.of();
  }

  @Override
  public long cost(Step step) {
    return 0;
  }

  @Override
  public String line() {
    return "all rows are there";
  }
}
