package orrery.batching;

import java.util.function.Supplier;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Item;
import orrery.batching.View.Memory;

/**
 * Static batching, as serving was before Orca ("Orca: A Distributed Serving System for
 * Transformer-Based Generative Models", Yu et al., 2022): wait until the batch is full or has
 * waited long enough, compute all prompts padded to the longest, then decode until the last answer
 * ends. An answer that ends early leaves a padding row, which is computed like any other row.
 *
 * <p>Prompts that share a prefix are computed side by side, each in full. Pages for the max_tokens
 * of all requests are set aside, so no request is ever retracted.
 */
public final class StaticPolicy implements Policy {
  private final long waitMillis;

  /**
   * @param waitMillis how long the oldest waiting request waits for the batch to fill
   */
  public StaticPolicy(long waitMillis) {
    this.waitMillis = waitMillis;
  }

  @Override
  public String name() {
    return "static";
  }

  @Override
  public boolean waitsForPrefixes() {
    return false;
  }

  @Override
  public boolean mayFork(Supplier<View> view, Supplier<Item> parent) {
    return Budget.allCanFinish(view.get(), parent.get());
  }

  @Override
  public boolean retracts() {
    return false;
  }

  @Override
  public StepPlan plan(View view) {
    PlanBuilder plan = new PlanBuilder(view);
    if (!view.running().isEmpty()) {
      // Other choices of a request may have joined since the last step.
      int batch = Math.max(view.memory().batch(), view.running().size());
      return plan.finish(Stop.BATCH, advance(plan, batch), new Memory(0, batch));
    }
    Stop stop = fill(plan);
    int batch = plan.running.size();
    return plan.finish(stop, batch == 0 ? 0 : advance(plan, batch), new Memory(0, batch));
  }

  private Stop fill(PlanBuilder plan) {
    View view = plan.view;
    if (view.waiting().isEmpty()) {
      return Stop.NOTHING_WAITS;
    }
    long oldest = view.waiting().stream().mapToLong(Item::arrivedAt).min().orElseThrow();
    boolean full = view.waiting().size() >= view.limits().maxRunning();
    if (!full && view.now() - oldest < waitMillis) {
      return Stop.BATCH;
    }
    Budget left = plan.budget.copy();
    for (Item item : view.waiting()) {
      if (plan.running.size() >= view.limits().maxRunning()) {
        return Stop.MAX_RUNNING;
      }
      if (!left.admitsExpected(item, item.longest())) {
        return Stop.NO_PAGES;
      }
      left.reserveWaiting(item, item.longest());
      plan.admit(item);
    }
    return Stop.NOTHING_WAITS;
  }

  /** Plans the batch's next columns. Returns the number of padding rows beside them. */
  private static int advance(PlanBuilder plan, int batch) {
    int longest = 0; // pending rows of the longest prompt
    for (Item item : plan.running) {
      if (!item.decoding()) {
        longest = Math.max(longest, item.pending());
      }
    }
    if (longest == 0) {
      plan.running.forEach(item -> plan.compute(item, 1));
      plan.speculate(Integer.MAX_VALUE);
      return batch * plan.longestRun() - plan.rowCount();
    }
    // Prompts are right-aligned: the columns are counted from their common end.
    int width = Math.max(1, Math.min(longest, plan.view.limits().chunk() / Math.max(1, batch)));
    while (width > 1 && !fits(plan, longest - width)) {
      width--; // a window pool may lack pages for so many columns
    }
    for (Item item : plan.running) {
      int count = columns(item, longest - width);
      if (count > 0) {
        plan.compute(item, count);
      }
    }
    return batch * width - plan.rowCount();
  }

  /** Rows of a prompt to compute, so that {@code left} rows remain. */
  private static int columns(Item item, int left) {
    return item.decoding() ? 0 : Math.max(0, item.pending() - left);
  }

  private static boolean fits(PlanBuilder plan, int left) {
    Budget budget = plan.budget.copy();
    for (Item item : plan.running) {
      int count = columns(item, left);
      if (count > 0 && !budget.fits(item, count)) {
        return false;
      }
      if (count > 0) {
        budget.grow(item, count);
      }
    }
    return true;
  }
}
