package orrery.batching;

import java.util.function.Supplier;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Item;

/**
 * TensorRT-LLM's two capacity schedulers ({@code batch_manager/capacityScheduler.cpp}):
 * <em>guaranteed no evict</em> admits a request only if all its max_tokens fit beside all
 * max_tokens of the running requests, so no request is ever paused. <em>Max utilization</em> admits
 * every request that can do its next step, and pauses the requests that started last when pages run
 * out. The micro-batch then has one row for each decoding request, and prompt chunks fill the rest
 * of the token budget. Under the first scheduler, a chunk is cut at the end of a page. The second
 * may cut it anywhere and plans like {@link VllmPolicy}.
 */
public final class TrtLlmPolicy implements Policy {
  /** Which capacity scheduler. */
  public enum Capacity {
    GUARANTEED_NO_EVICT,
    MAX_UTILIZATION
  }

  private final Capacity capacity;

  public TrtLlmPolicy(Capacity capacity) {
    this.capacity = capacity;
  }

  @Override
  public String name() {
    return capacity == Capacity.MAX_UTILIZATION ? "trtllm-max-utilization" : "trtllm";
  }

  @Override
  public boolean mayFork(Supplier<View> view, Supplier<Item> parent) {
    return capacity == Capacity.MAX_UTILIZATION || Budget.allCanFinish(view.get(), parent.get());
  }

  @Override
  public boolean retracts() {
    return capacity == Capacity.MAX_UTILIZATION;
  }

  @Override
  public StepPlan plan(View view) {
    PlanBuilder plan = new PlanBuilder(view);
    Stop stop;
    if (capacity == Capacity.MAX_UTILIZATION) {
      int tokens = VllmPolicy.runningFirst(plan, view.limits().chunk());
      stop = VllmPolicy.admit(plan, tokens);
    } else {
      stop = admitWhatCanFinish(plan);
      microBatch(plan);
    }
    return plan.finish(stop, 0, view.memory());
  }

  private static Stop admitWhatCanFinish(PlanBuilder plan) {
    Budget left = plan.budget.copy();
    for (Item item : plan.view.running()) {
      left.reserve(item, item.held(), item.longest());
    }
    for (Item item : plan.view.waiting()) {
      if (item.deferred()) {
        return Stop.SHARED_PREFIX;
      }
      if (plan.running.size() >= plan.view.limits().maxRunning()) {
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

  private static void microBatch(PlanBuilder plan) {
    int tokens = plan.view.limits().chunk();
    for (Item item : plan.running) {
      if (item.decoding() && tokens > 0) {
        plan.compute(item, 1);
        tokens--;
      }
    }
    tokens = plan.speculate(tokens);
    int page = plan.view.geometry().pageTokens();
    for (Item item : plan.running) {
      int computed = item.computed();
      int pending = item.pending();
      if (item.decoding() || tokens == 0) {
        continue;
      }
      int count = Math.min(pending, tokens);
      if (count < pending) {
        int aligned = (computed + count) / page * page - computed;
        count = aligned > 0 ? aligned : plan.rowCount() == 0 ? count : 0;
      }
      count = plan.budget.mostRows(item, count); // a window pool may lack pages for the whole chunk
      if (count > 0) {
        plan.compute(item, count);
        tokens -= count;
      }
    }
  }
}
