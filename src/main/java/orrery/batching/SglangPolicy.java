package orrery.batching;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Item;
import orrery.batching.View.Memory;

/**
 * SGLang ({@code managers/scheduler.py}, {@code schedule_policy.py}, {@code schedule_batch.py}):
 * prompts first. As long as prompt rows can be planned, a step computes prompt rows, up to the
 * chunk size, and cuts at most one prompt. With mixed chunks the decoding rows join these steps;
 * without, they wait.
 *
 * <p>A request is admitted if its prompt and all its max_tokens fit beside the pages that running
 * requests are <em>expected</em> to use: {@code newTokenRatio} of their remaining max_tokens. The
 * ratio starts at 0.7 and falls over 600 decode steps to a seventh of that. If it proves too low,
 * pages run out while decoding. Then requests are <em>retracted</em> and computed again later:
 * first the request with the least output, among several the one with the longest prompt. After a
 * retraction the ratio is raised.
 */
public final class SglangPolicy implements Policy {
  /** The order in which the policy looks at the queue. */
  public enum Order {
    /** First come, first served. */
    FCFS,
    /**
     * Longest prefix match first. If more than 128 requests wait, it is FCFS, because matching all
     * of them would cost too much.
     */
    LPM
  }

  private static final int CLIP_NEW_TOKENS = 4096;
  private static final int LPM_LIMIT = 128;
  private static final double INITIAL_RATIO = 0.7;
  private static final double MIN_FACTOR = 0.14;
  private static final int DECAY_STEPS = 600;
  private static final int RETRACT_STEPS =
      20; // tokens granted to each sequence when the ratio is corrected

  private final Order order;
  private final boolean mixed;
  private final double initial;

  /**
   * @param mixed whether decoding rows join prompt steps ({@code --enable-mixed-chunk})
   * @param conservativeness factor of the initial ratio ({@code --schedule-conservativeness})
   */
  public SglangPolicy(Order order, boolean mixed, double conservativeness) {
    this.order = order;
    this.mixed = mixed;
    this.initial = Math.min(1, INITIAL_RATIO * conservativeness);
  }

  @Override
  public String name() {
    return "sglang";
  }

  @Override
  public Memory initialMemory() {
    return new Memory(initial, 0);
  }

  @Override
  public int looksAt(int slots) {
    return order == Order.LPM ? Math.max(slots, LPM_LIMIT) + 1 : slots + 1;
  }

  @Override
  public StepPlan plan(View view) {
    PlanBuilder plan = new PlanBuilder(view);
    Stop stop = prefill(plan);
    if (plan.rowCount() > 0) {
      if (mixed) {
        decodeWhatFits(plan, view.running());
        plan.speculate(Integer.MAX_VALUE);
      }
      return plan.finish(stop, 0, view.memory());
    }
    Memory memory = decode(plan);
    return plan.finish(plan.retracted() ? Stop.DECODE_FIRST : stop, 0, memory);
  }

  private Stop prefill(PlanBuilder plan) {
    int tokens = plan.view.limits().chunk();
    for (Item item : plan.view.running()) {
      if (!item.decoding() && tokens > 0) {
        int count = whole(plan, item.computed(), item.pending(), tokens);
        count = plan.budget.mostRows(item, count);
        if (count > 0) {
          plan.compute(item, count);
          tokens -= count;
        }
      }
    }
    Budget expected = plan.budget.copy();
    for (Item item : plan.view.running()) {
      double grows =
          Math.min(item.longest() - item.known(), CLIP_NEW_TOKENS)
              * plan.view.memory().newTokenRatio();
      expected.reserve(item, item.known(), item.known() + (int) grows);
    }
    for (Item item : queue(plan.view)) {
      if (item.deferred()) {
        return Stop.SHARED_PREFIX;
      }
      if (plan.running.size() >= plan.view.limits().maxRunning()) {
        return Stop.MAX_RUNNING;
      }
      if (tokens == 0) {
        return Stop.CHUNK_FULL;
      }
      int grown = item.known() + Math.min(item.longest() - item.known(), CLIP_NEW_TOKENS);
      // One page of slack, except for the first sequence: alone it must be able to run.
      int slack = plan.running.isEmpty() ? 0 : plan.view.geometry().pageTokens();
      if (!expected.admitsExpected(item, grown + slack)) {
        return Stop.NO_PAGES;
      }
      int count = whole(plan, item.computed(), item.pending(), tokens);
      if (count == 0) {
        return Stop.CHUNK_FULL;
      }
      count =
          plan.budget.mostRowsOf(item, count); // a window pool may lack pages for the whole chunk
      if (count == 0) {
        return Stop.NO_PAGES;
      }
      plan.admit(item);
      plan.compute(item, count);
      expected.reserveWaiting(item, grown);
      tokens -= count;
    }
    return Stop.NOTHING_WAITS;
  }

  /**
   * Rows of a prompt within the budget. A prompt that does not fit is cut at a page's end if
   * possible.
   */
  private static int whole(PlanBuilder plan, int computed, int pending, int tokens) {
    if (pending <= tokens) {
      return pending;
    }
    int page = plan.view.geometry().pageTokens();
    int aligned = (computed + tokens) / page * page - computed;
    return aligned > 0 ? aligned : plan.rowCount() == 0 ? tokens : 0;
  }

  private List<Item> queue(View view) {
    if (order == Order.FCFS || view.waiting().size() > LPM_LIMIT) {
      return view.waiting();
    }
    List<Item> sorted = new ArrayList<>(view.waiting());
    sorted.sort(
        Comparator.comparingInt(Item::priority)
            .thenComparingInt(Item::computed)
            .reversed()); // stable
    return sorted;
  }

  private static void decodeWhatFits(PlanBuilder plan, List<Item> running) {
    for (Item item : running) {
      if (item.decoding() && plan.budget.fits(item, 1)) {
        plan.compute(item, 1);
      }
    }
  }

  private Memory decode(PlanBuilder plan) {
    List<Item> kept = new ArrayList<>(plan.view.running().stream().filter(Item::decoding).toList());
    if (kept.isEmpty()) {
      if (!plan.running.isEmpty()) {
        plan.forceProgress(
            List.copyOf(plan.running)); // only prompts run, and none of them can grow
      }
      return plan.view.memory();
    }
    // Most output first, then shortest prompt: the last sequence is the cheapest to retract.
    kept.sort(
        Comparator.comparingInt(Item::priority)
            .thenComparingInt(Item::output)
            .reversed()
            .thenComparingInt(Item::prompt));
    while (kept.size() > 1 && !allFit(plan, kept)) {
      plan.retract(kept.removeLast());
    }
    for (Item item : plan.view.running()) {
      if (kept.contains(item) && plan.budget.fits(item, 1)) {
        plan.compute(item, 1);
      }
    }
    plan.speculate(Integer.MAX_VALUE);
    if (plan.rowCount() == 0) {
      List<Item> order = new ArrayList<>(kept);
      plan.running.stream().filter(item -> !kept.contains(item)).forEach(order::add);
      plan.forceProgress(order); // a half-computed prompt holds the pages
    }
    return new Memory(
        plan.retracted() ? corrected(kept) : decayed(plan.view.memory().newTokenRatio()), 0);
  }

  private static boolean allFit(PlanBuilder plan, List<Item> items) {
    Budget left = plan.budget.copy();
    for (Item item : items) {
      if (!left.fits(item, item.pending())) {
        return false;
      }
      left.grow(item, item.pending());
    }
    return true;
  }

  private double decayed(double ratio) {
    double min = initial * MIN_FACTOR;
    return Math.max(min, ratio - (initial - min) / DECAY_STEPS);
  }

  private static double corrected(List<Item> kept) {
    double used = 0;
    double most = 0;
    for (Item item : kept) {
      used += item.output() + RETRACT_STEPS;
      most += item.longest() - item.prompt();
    }
    return Math.min(1, used / Math.max(1, most));
  }
}
