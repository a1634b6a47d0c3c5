package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.graph.Step;
import orrery.kv.PageTable;

/** Turns a plan into the rows of a step. */
final class Batch {
  private final Requests requests;
  private final PageTable padding; // all dummy pages

  Batch(Requests requests, PageTable padding) {
    this.requests = requests;
    this.padding = padding;
  }

  /** Puts the plan's rows into the step; for drafts, as many rows as there are drafts. */
  List<Segment> fill(StepPlan plan, Step step) {
    step.clear();
    List<Segment> segments = new ArrayList<>();
    int furthest = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      Segment segment = segment(rows.sequence(), rows.count(), step);
      step.tables[segments.size()] = rows.sequence().table();
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

  private Segment segment(Sequence s, int count, Step step) {
    Choice c = requests.choice(s);
    int pending = Math.min(count, s.known() - s.computed());
    int drafts = count > pending ? s.drafts().count() : 0;
    boolean newest = s.computed() + pending == s.known();
    int logitRow = newest ? step.logitRows() : -1;
    return new Segment(c, s.computed(), pending, drafts, s.decoding(), step.rows(), logitRow);
  }

  private static void add(Segment segment, int index, Step step) {
    Sequence s = segment.choice().sequence;
    for (int i = 0; i < segment.rows(); i++) {
      int p = segment.from() + i;
      boolean guess = i >= segment.pending();
      int token = guess ? s.drafts().token(i - segment.pending()) : s.tokens()[p];
      step.add(token, p, index, p >= s.known() - 1);
    }
  }
}
