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
  List<Part> fill(StepPlan plan, Requests requests) {
    step.clear();
    List<Part> parts = new ArrayList<>();
    int furthest = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      Part part = part(requests.choice(rows.id()), rows.count());
      step.tables[parts.size()] = part.choice().sequence.table();
      add(part, parts.size());
      parts.add(part);
      furthest = Math.max(furthest, part.from() + part.rows() - 1);
    }
    step.tables[parts.size()] = padding;
    for (int i = 0; i < plan.padding(); i++) {
      step.add(0, furthest, parts.size(), false); // as long as the longest real row
    }
    return parts;
  }

  private Part part(Choice c, int count) {
    Sequence s = c.sequence;
    int pending = Math.min(count, s.known() - s.computed());
    int drafts = count > pending ? c.drafts().count() : 0;
    boolean newest = s.computed() + pending == s.known();
    int logitRow = newest ? step.logitRows() : -1;
    return new Part(c, s.computed(), pending, drafts, step.rows(), logitRow);
  }

  private void add(Part part, int index) {
    Sequence s = part.choice().sequence;
    for (int i = 0; i < part.rows(); i++) {
      int p = part.from() + i;
      boolean guess = i >= part.pending();
      int token = guess ? part.choice().drafts().token(i - part.pending()) : s.tokens()[p];
      step.add(token, p, index, p >= s.known() - 1);
    }
  }
}
