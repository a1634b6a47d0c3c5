package orrery.batching;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Item;

/** A plan in the making. */
final class Draft {
  final View view;
  final Budget budget;
  final List<Item> running; // without the retracted, with the admitted
  private final List<Integer> retract = new ArrayList<>();
  private final List<Integer> admit = new ArrayList<>();
  private final List<StepPlan.Rows> rows = new ArrayList<>();
  private final List<Item> computing = new ArrayList<>(); // whose rows
  private int rowCount;

  Draft(View view) {
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
    retract.add(item.id());
    budget.reclaim(item);
    if (running.size() == 1) {
      // Pages that only retracted ones share count for none of them, but are free all the same.
      budget.leaveTo(running.getFirst(), view.total());
    }
  }

  /** Admits a waiting one; its hit is computed already. */
  void admit(Item item) {
    running.add(item);
    admit.add(item.id());
    budget.hold(item);
  }

  /** Retracts from the end of a list, never its first, until the first can compute a row. */
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

  /** Plans rows of a sequence. */
  void compute(Item item, int count) {
    rows.add(new StepPlan.Rows(item.id(), count));
    computing.add(item);
    rowCount += count;
    budget.grow(item, count);
  }

  /**
   * Lets decoding sequences that were planned verify their drafts beside their newest token. Drafts
   * push no sequence out: they take what is left when everybody else has pages. (What is left
   * includes pages that only the prefix cache holds.)
   *
   * @param tokens rows that the step may still get
   * @return what is left of them
   */
  int speculate(int tokens) {
    int left = tokens;
    for (int i = 0; i < rows.size(); i++) {
      Item item = computing.get(i);
      if (item.drafts() > 0 && item.decoding()) {
        int more = budget.moreRows(item, 1, Math.min(item.drafts(), left));
        budget.growMore(item, 1, more);
        rows.set(i, new StepPlan.Rows(item.id(), 1 + more));
        rowCount += more;
        left -= more;
      }
    }
    return left;
  }

  /** The longest run of rows of one sequence. */
  int longestRun() {
    return rows.stream().mapToInt(StepPlan.Rows::count).max().orElse(0);
  }

  StepPlan finish(Stop stop, int padding, View.Memory memory) {
    return new StepPlan(retract, admit, rows, padding, stop, memory);
  }
}
