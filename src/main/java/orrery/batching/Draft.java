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

  /** Tokens whose rows are cached: of one just admitted, its hit. */
  int computed(Item item) {
    return admit.contains(item.id()) ? item.hit() : item.computed();
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
      Item last = running.getFirst();
      budget.leaveTo(computed(last), view.total());
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
    for (int i = order.size() - 1;
        i > 0 && !budget.fits(first.computed(), first.computed() + 1);
        i--) {
      retract(order.get(i));
    }
    int count = budget.mostRows(first.computed(), Math.min(first.pending(), view.limits().chunk()));
    if (count > 0) {
      compute(first, first.computed(), count);
    }
  }

  /** Plans rows of a sequence whose first {@code computed} tokens are cached. */
  void compute(Item item, int computed, int count) {
    rows.add(new StepPlan.Rows(item.id(), count));
    rowCount += count;
    budget.grow(computed, computed + count);
  }

  StepPlan finish(Stop stop, int padding, View.Memory memory) {
    return new StepPlan(retract, admit, rows, padding, stop, memory);
  }
}
