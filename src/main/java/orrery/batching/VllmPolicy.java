package orrery.batching;

import java.util.Comparator;
import java.util.List;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Item;

/**
 * vLLM V1 ({@code v1/core/sched/scheduler.py}): one token budget a step, no phases. Running
 * sequences come first, in order of admission. Each takes as many of its pending tokens as the
 * budget has left. A decoding sequence takes one token, and its drafts count like any other tokens.
 * When pages run out, the last sequence is preempted and recomputed later, and no sequence is
 * admitted in that step. Otherwise waiting sequences are admitted while budget and pages last; only
 * the pages of this step's chunk must be free.
 *
 * <p>In vLLM all layers take their blocks from one pool ({@code v1/core/kv_cache_coordinator.py}).
 * Here a window has a pool of its own, and gives pages back with every step. So what such a pool
 * lacks for a chunk only cuts the chunk, beside one row of every sequence behind it. It pushes a
 * sequence out only if not even one row fits.
 */
public final class VllmPolicy implements Policy {
  @Override
  public String name() {
    return "vllm";
  }

  @Override
  public StepPlan plan(View view) {
    PlanBuilder plan = new PlanBuilder(view);
    plan.running.sort(
        Comparator.comparingInt(Item::priority).reversed()); // stable: admission order
    int tokens = runningFirst(plan, view.limits().chunk());
    return plan.finish(admit(plan, tokens), 0, view.memory());
  }

  /**
   * Plans the running sequences and returns what is left of the budget. {@link TrtLlmPolicy} uses
   * it too.
   */
  static int runningFirst(PlanBuilder plan, int budget) {
    int tokens = budget;
    for (int i = 0; i < plan.running.size() && tokens > 0; i++) {
      Item item = plan.running.get(i);
      int wanted = Math.min(item.pending(), tokens);
      int count = plan.budget.mostRowsOfWindows(item, wanted, behind(plan, i));
      while (!plan.budget.fits(item, count) && plan.running.getLast() != item) {
        plan.retract(plan.running.getLast());
        count = plan.budget.mostRowsOfWindows(item, wanted, behind(plan, i));
      }
      count = plan.budget.mostRows(item, count); // no sequence is left behind it to preempt
      if (count == 0) {
        break;
      }
      plan.compute(item, count);
      tokens -= count;
    }
    return plan.speculate(tokens);
  }

  private static List<Item> behind(PlanBuilder plan, int i) {
    return plan.running.subList(i + 1, plan.running.size());
  }

  static Stop admit(PlanBuilder plan, int budget) {
    if (plan.retracted()) {
      return Stop.DECODE_FIRST;
    }
    int tokens = budget;
    for (Item item : plan.view.waiting()) {
      if (item.deferred()) {
        return Stop.SHARED_PREFIX;
      }
      if (plan.running.size() >= plan.view.limits().maxRunning()) {
        return Stop.MAX_RUNNING;
      }
      if (tokens == 0) {
        return Stop.CHUNK_FULL;
      }
      int wanted = Math.min(item.pending(), tokens);
      // Alone it must be able to run, whatever its chunk needs.
      int count =
          plan.running.isEmpty()
              ? plan.budget.mostRowsOf(item, wanted)
              : plan.budget.admits(item, wanted);
      if (count == 0) {
        return Stop.NO_PAGES;
      }
      plan.admit(item);
      plan.compute(item, count);
      tokens -= count;
    }
    return Stop.NOTHING_WAITS;
  }
}
