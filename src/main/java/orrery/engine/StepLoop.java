package orrery.engine;

import java.util.List;
import java.util.function.LongSupplier;
import orrery.engine.StepTimes.Phase;
import orrery.graph.Step;
import orrery.model.GreedyForward;

/**
 * The engine's loop: plan, launch, settle, one step after the other, on one thread.
 *
 * <pre>
 *   plan     queues, lengths and page counts ──> rows, and pages for them     Planned
 *   launch   drafts, rows, forward pass      ──> states and logits            Launched
 *   settle   tokens, shared pages, ended answers
 * </pre>
 *
 * <p>All that a step leaves for its next phase is in a value, and its rows lie in a {@link Step}
 * that the loop hands in. So {@link OverlapLoop} stands beside this one, as mini-sglang's {@code
 * overlap_loop} stands beside its {@code normal_loop}.
 */
final class StepLoop implements Loop {
  private final Requests requests;
  private final Planner planner;
  private final Speculator speculator;
  private final Batch batch;
  private final ForwardPass pass;
  private final PromptScorer scorer;
  private final Step step;
  private final Settler settler;
  private final LongSupplier clock;

  StepLoop(
      Requests requests,
      Planner planner,
      Speculator speculator,
      Batch batch,
      ForwardPass pass,
      PromptScorer scorer,
      Step step,
      Settler settler,
      LongSupplier clock) {
    this.requests = requests;
    this.planner = planner;
    this.speculator = speculator;
    this.batch = batch;
    this.pass = pass;
    this.scorer = scorer;
    this.step = step;
    this.settler = settler;
    this.clock = clock;
  }

  @Override
  public int margin() {
    return speculator.margin();
  }

  @Override
  public boolean step() {
    StepTimes times = new StepTimes(clock);
    requests.cutOffLate(times.begin());
    if (planner.idle()) {
      return true;
    }
    Planned planned = planner.plan(times);
    if (planned.isEmpty()) {
      return false;
    }
    settler.settle(launch(planned, step));
    return true;
  }

  /** Makes the drafts that the plan has room for, computes all its rows, and scores prompts. */
  private Launched launch(Planned planned, Step step) {
    speculator.draft(planned.plan());
    List<Segment> segments = batch.fill(planned.plan(), step);
    step.arrival(planned.arrival());
    planned.times().mark(Phase.DRAFT);
    GreedyForward forward = pass.run(step);
    scorer.score(segments, step, forward);
    planned.times().mark(Phase.LAUNCH);
    return new Launched(planned, segments, forward);
  }

  /** Does nothing: a step is settled when {@link #step} returns. */
  @Override
  public void settle() {}

  @Override
  public boolean settled() {
    return true;
  }

  @Override
  public void abandon() {}

  @Override
  public void close() {}
}
