package orrery.batching;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Item;

/** A plan while it is being made. */
final class PlanBuilder {
  final View view;
  final Budget budget;
  final List<Item> running; // without retracted sequences, with admitted ones
  private final List<Sequence> retract = new ArrayList<>();
  private final List<Sequence> admit = new ArrayList<>();
  private final List<StepPlan.Rows> rows = new ArrayList<>();
  private final List<Item> computing = new ArrayList<>(); // the sequence of each entry of rows
  private int rowCount;

  PlanBuilder(View view) {
    this.view = view;
    this.budget = new Budget(view);
    this.running = new ArrayList<>(view.running());
  }

  /** Rows planned so far. */
  int rowCount() {
    return rowCount;
  }

  boolean retracted() {
    return !retract.isEmpty();
  }

  void retract(Item item) {
    running.remove(item);
    retract.add(item.sequence());
    budget.reclaim(item);
    if (running.size() == 1) {
      // A page that only retracted sequences share is counted for none of them, but it is free.
      budget.leaveTo(running.getFirst(), view.total());
    }
  }

  /** Admits a waiting sequence; the rows of its hit are computed already. */
  void admit(Item item) {
    running.add(item);
    admit.add(item.sequence());
    budget.hold(item);
  }

  /** Retracts sequences from the end of a list until its first one can compute a row. */
  void forceProgress(List<Item> order) {
    Item first = order.getFirst();
    for (int i = order.size() - 1; i > 0 && !budget.fits(first, 1); i--) {
      retract(order.get(i));
    }
    int count = budget.mostRows(first, Math.min(first.pending(), view.limits().chunk()));
    if (count > 0) {
      compute(first, count);
    }
  }

  /** Plans {@code count} rows of a sequence. */
  void compute(Item item, int count) {
    rows.add(new StepPlan.Rows(item.sequence(), count));
    computing.add(item);
    rowCount += count;
    budget.grow(item, count);
  }

  /**
   * Lets the planned decoding sequences verify their drafts beside their newest token. Drafts push
   * no sequence out: they take only the pages that are left when all other rows have theirs. (These
   * include pages that only the prefix cache holds.)
   *
   * @param tokens rows that the step may still get
   * @return how many of these rows are left
   */
  int speculate(int tokens) {
    int left = tokens;
    for (int i = 0; i < rows.size(); i++) {
      Item item = computing.get(i);
      if (item.drafts() > 0 && item.decoding()) {
        int more = budget.moreRows(item, 1, Math.min(item.drafts(), left));
        budget.growMore(item, 1, more);
        rows.set(i, new StepPlan.Rows(item.sequence(), 1 + more));
        rowCount += more;
        left -= more;
      }
    }
    return left;
  }

  /** The most rows that are planned for one sequence. */
  int longestRun() {
    return rows.stream().mapToInt(StepPlan.Rows::count).max().orElse(0);
  }

  StepPlan finish(Stop stop, int padding, View.Memory memory) {
    return new StepPlan(retract, admit, rows, padding, stop, memory);
  }
}
