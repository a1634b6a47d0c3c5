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
    PlanBuilder d = new PlanBuilder(view);
    Stop stop = prefill(d);
    if (d.rowCount() > 0) {
      if (mixed) {
        decodeWhatFits(d, view.running());
        d.speculate(Integer.MAX_VALUE);
      }
      return d.finish(stop, 0, view.memory());
    }
    Memory memory = decode(d);
    return d.finish(d.retracted() ? Stop.DECODE_FIRST : stop, 0, memory);
  }

  private Stop prefill(PlanBuilder d) {
    int tokens = d.view.limits().chunk();
    for (Item item : d.view.running()) {
      if (!item.decoding() && tokens > 0) {
        int count = whole(d, item.computed(), item.pending(), tokens);
        count = d.budget.mostRows(item, count);
        if (count > 0) {
          d.compute(item, count);
          tokens -= count;
        }
      }
    }
    Budget expected = d.budget.copy();
    for (Item item : d.view.running()) {
      double grows =
          Math.min(item.longest() - item.known(), CLIP_NEW_TOKENS)
              * d.view.memory().newTokenRatio();
      expected.reserve(item, item.known(), item.known() + (int) grows);
    }
    for (Item item : queue(d.view)) {
      if (item.deferred()) {
        return Stop.SHARED_PREFIX;
      }
      if (d.running.size() >= d.view.limits().maxRunning()) {
        return Stop.MAX_RUNNING;
      }
      if (tokens == 0) {
        return Stop.CHUNK_FULL;
      }
      int grown = item.known() + Math.min(item.longest() - item.known(), CLIP_NEW_TOKENS);
      // One page of slack, except for the first sequence: alone it must be able to run.
      int slack = d.running.isEmpty() ? 0 : d.view.geometry().pageTokens();
      if (!expected.admitsExpected(item, grown + slack)) {
        return Stop.NO_PAGES;
      }
      int count = whole(d, item.computed(), item.pending(), tokens);
      if (count == 0) {
        return Stop.CHUNK_FULL;
      }
      count = d.budget.mostRowsOf(item, count); // a window pool may lack pages for the whole chunk
      if (count == 0) {
        return Stop.NO_PAGES;
      }
      d.admit(item);
      d.compute(item, count);
      expected.reserveWaiting(item, grown);
      tokens -= count;
    }
    return Stop.NOTHING_WAITS;
  }

  /**
   * Rows of a prompt within the budget. A prompt that does not fit is cut at a page's end if
   * possible.
   */
  private static int whole(PlanBuilder d, int computed, int pending, int tokens) {
    if (pending <= tokens) {
      return pending;
    }
    int page = d.view.geometry().pageTokens();
    int aligned = (computed + tokens) / page * page - computed;
    return aligned > 0 ? aligned : d.rowCount() == 0 ? tokens : 0;
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

  private static void decodeWhatFits(PlanBuilder d, List<Item> running) {
    for (Item item : running) {
      if (item.decoding() && d.budget.fits(item, 1)) {
        d.compute(item, 1);
      }
    }
  }

  private Memory decode(PlanBuilder d) {
    List<Item> kept = new ArrayList<>(d.view.running().stream().filter(Item::decoding).toList());
    if (kept.isEmpty()) {
      if (!d.running.isEmpty()) {
        d.forceProgress(List.copyOf(d.running)); // only prompts run, and none of them can grow
      }
      return d.view.memory();
    }
    // Most output first, then shortest prompt: the last sequence is the cheapest to retract.
    kept.sort(
        Comparator.comparingInt(Item::priority)
            .thenComparingInt(Item::output)
            .reversed()
            .thenComparingInt(Item::prompt));
    while (kept.size() > 1 && !allFit(d, kept)) {
      d.retract(kept.removeLast());
    }
    for (Item item : d.view.running()) {
      if (kept.contains(item) && d.budget.fits(item, 1)) {
        d.compute(item, 1);
      }
    }
    d.speculate(Integer.MAX_VALUE);
    if (d.rowCount() == 0) {
      List<Item> order = new ArrayList<>(kept);
      d.running.stream().filter(item -> !kept.contains(item)).forEach(order::add);
      d.forceProgress(order); // a half-computed prompt holds the pages
    }
    return new Memory(
        d.retracted() ? corrected(kept) : decayed(d.view.memory().newTokenRatio()), 0);
  }

  private static boolean allFit(PlanBuilder d, List<Item> items) {
    Budget left = d.budget.copy();
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
