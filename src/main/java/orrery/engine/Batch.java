package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.StepPlan;
import orrery.graph.Step;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * Turns a plan into the rows of a step. A token that a step on its way decides is not known yet; in
 * its place stands where it will be found ({@link FutureTokens}).
 */
final class Batch {
  private final KvCache kv;
  private final PageTable padding; // all dummy pages

  Batch(KvCache kv) {
    this.kv = kv;
    this.padding = kv.newTable();
  }

  /** Puts the plan's rows into the step; for drafts, as many rows as there are drafts. */
  List<Segment> fill(StepPlan plan, Step step) {
    step.clear();
    List<Segment> segments = new ArrayList<>();
    int furthest = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      Segment segment = segment(Choice.of(rows.sequence()), rows.count(), step);
      PageTable table = rows.sequence().table();
      kv.takeBuffer(table);
      step.tables[segments.size()] = table;
      add(segment, segments.size(), step);
      segments.add(segment);
      furthest = Math.max(furthest, segment.from() + segment.rows() - 1);
    }
    step.tables[segments.size()] = padding;
    for (int i = 0; i < plan.padding(); i++) {
      step.add(0, furthest, segments.size(), false); // as long as the longest real row
    }
    return segments;
  }

  private static Segment segment(Choice c, int count, Step step) {
    int from = c.computedSoon();
    int pending = Math.min(count, c.knownSoon() - from);
    int drafts = count > pending ? c.drafts().count() : 0;
    boolean newest = from + pending == c.knownSoon();
    int logitRow = newest ? step.logitRows() : -1;
    return new Segment(c, from, pending, drafts, c.decoding(), step.rows(), logitRow);
  }

  private static void add(Segment segment, int index, Step step) {
    Choice s = segment.choice();
    for (int i = 0; i < segment.rows(); i++) {
      int p = segment.from() + i;
      boolean guess = i >= segment.pending();
      int token =
          guess
              ? s.drafts().token(i - segment.pending())
              : p < s.known() ? s.tokens()[p] : FutureTokens.placeholder(s.place());
      step.add(token, p, index, p >= s.knownSoon() - 1);
      if (s.onlyHighest) {
        step.greedy();
      }
    }
  }
}
