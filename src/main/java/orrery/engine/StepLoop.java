package orrery.engine;

import java.util.List;
import java.util.function.LongSupplier;
import orrery.engine.StepTimes.Phase;
import orrery.graph.Step;
import orrery.graph.Workspace;
import orrery.kernels.KernelSwitch;
import orrery.model.GreedyForward;
import orrery.model.ModelRunner;

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
  private final KernelSwitch kernels;
  private final Workspace workspace;
  private final ModelRunner runner;
  private final PromptScorer scorer;
  private final Step step;
  private final Settler settler;
  private final LongSupplier clock;

  StepLoop(
      Requests requests,
      Planner planner,
      Speculator speculator,
      Batch batch,
      KernelSwitch kernels,
      Workspace workspace,
      ModelRunner runner,
      PromptScorer scorer,
      Step step,
      Settler settler,
      LongSupplier clock) {
    this.requests = requests;
    this.planner = planner;
    this.speculator = speculator;
    this.batch = batch;
    this.kernels = kernels;
    this.workspace = workspace;
    this.runner = runner;
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
    kernels.next(step.rows(), workspace::kernels);
    planned.times().mark(Phase.DRAFT);
    GreedyForward forward = run(step);
    scorer.score(segments, step, forward);
    planned.times().mark(Phase.LAUNCH);
    return new Launched(planned, segments, forward, step.hostReads());
  }

  private GreedyForward run(Step step) {
    try {
      return runner.run(step);
    } catch (OutOfMemoryError e) { // a bucket's buffers are made when they are first needed
      throw Heap.during("computing a step of " + step.rows() + " rows", e);
    }
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
