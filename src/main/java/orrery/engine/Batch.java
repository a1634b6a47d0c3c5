package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.graph.Step;
import orrery.kv.PageTable;

/** Turns a plan into the rows of a step. */
final class Batch {
  private final Step step;
  private final PageTable padding; // all dummy pages

  Batch(Step step, PageTable padding) {
    this.step = step;
    this.padding = padding;
  }

  /** Puts the plan's rows into the step; for drafts, as many rows as there are drafts. */
  List<Segment> fill(StepPlan plan, Requests requests) {
    step.clear();
    List<Segment> segments = new ArrayList<>();
    int furthest = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      Segment segment = segment(requests.choice(rows.id()), rows.count());
      step.tables[segments.size()] = segment.choice().sequence.table();
      add(segment, segments.size());
      segments.add(segment);
      furthest = Math.max(furthest, segment.from() + segment.rows() - 1);
    }
    step.tables[segments.size()] = padding;
    for (int i = 0; i < plan.padding(); i++) {
      step.add(0, furthest, segments.size(), false); // as long as the longest real row
    }
    return segments;
  }

  private Segment segment(Choice c, int count) {
    Sequence s = c.sequence;
    int pending = Math.min(count, s.known() - s.computed());
    int drafts = count > pending ? c.drafts().count() : 0;
    boolean newest = s.computed() + pending == s.known();
    int logitRow = newest ? step.logitRows() : -1;
    return new Segment(c, s.computed(), pending, drafts, step.rows(), logitRow);
  }

  private void add(Segment segment, int index) {
    Sequence s = segment.choice().sequence;
    for (int i = 0; i < segment.rows(); i++) {
      int p = segment.from() + i;
      boolean guess = i >= segment.pending();
      int token = guess ? segment.choice().drafts().token(i - segment.pending()) : s.tokens()[p];
      step.add(token, p, index, p >= s.known() - 1);
    }
  }
}
