package orrery.engine;

import orrery.batching.Scheduler;
import orrery.batching.View.Limits;
import orrery.graph.Step;

/** The parts that plan and settle steps, made from the options and joined to a loop. */
final class LoopParts {
  private final EngineState state;
  private final ComputeParts compute;
  private final int maxRunning;
  private final Settler settler;
  final Planner planner;
  final Tickets tickets;
  final WarmUp warmUp;
  final Loop loop;

  LoopParts(EngineState state, ComputeParts compute, EngineOptions options) {
    this.state = state;
    this.compute = compute;
    this.maxRunning = options.batching().maxRunningRequests();
    Scheduler scheduler = scheduler(options);
    this.planner =
        new Planner(
            scheduler,
            state.queues,
            state.requests,
            state.memory,
            state.fetches,
            compute.speculator,
            state.sink,
            state.clock);
    this.settler = settler(scheduler);
    this.tickets = new Tickets(state, scheduler, compute.speculator, settler, maxRunning);
    Step step = compute.newStep();
    this.warmUp = compute.warmUp(step);
    this.loop = loop(step, options.compute().overlap());
  }

  private Scheduler scheduler(EngineOptions options) {
    Limits limits = new Limits(maxRunning, Sizes.chunk(options, state.contextLength));
    Speculator s = compute.speculator;
    return new Scheduler(
        options.batching().newPolicy(), state.kv, state.prefix, limits, s.ahead(), s.margin());
  }

  private Settler settler(Scheduler scheduler) {
    Judge judge =
        new Judge(
            compute.decider.synthetic(), compute.drafts, state.texts, state.sink, state.clock);
    return new Settler(
        compute.decider,
        judge,
        compute.speculator,
        scheduler,
        state.queues,
        state.requests,
        state.memory,
        state.books,
        maxRunning,
        state.sink,
        state.clock);
  }

  private Loop loop(Step step, boolean overlap) {
    Batch batch = new Batch(state.kv);
    PromptScorer scorer = new PromptScorer(compute.pass.runner(), state.requests);
    if (!overlap) {
      return new StepLoop(
          state.requests,
          planner,
          compute.speculator,
          batch,
          compute.pass,
          scorer,
          step,
          settler,
          state.clock);
    }
    return new OverlapLoop(
        state.requests,
        planner,
        compute.speculator,
        batch,
        scorer,
        step,
        compute.newStep(),
        new Compute(compute.pass, compute.decider, state.clock),
        settler,
        state.kv,
        state.clock);
  }
}
