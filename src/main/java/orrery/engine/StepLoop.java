package orrery.engine;

import java.util.List;
import java.util.function.LongSupplier;
import orrery.engine.StepTimes.Phase;
import orrery.graph.Step;
import orrery.graph.Workspace;
import orrery.model.Forward;
import orrery.model.ModelRunner;

/**
 * The engine's loop: plan, launch, settle, one step after the other, on one thread.
 *
 * <pre>
 *   plan     {@link Planner}   queues, lengths and page counts in; rows out, with pages    {@link Planned}
 *   launch   {@link #launch}   drafts, rows, forward pass; logits out                      {@link Launched}
 *   settle   {@link Settler}   tokens out; lengths grow, blocks are shared, answers end
 * </pre>
 *
 * <p>What a step leaves for its next phase is a value, and the rows lie in a {@link Step} that the
 * loop hands in. So a loop that overlaps steps can stand beside this one: with two of these steps,
 * it plans and launches step t + 1 and settles step t afterwards.
 */
final class StepLoop {
  private final Requests requests;
  private final Planner planner;
  private final Speculator speculator;
  private final Batch batch;
  private final KernelSwitch kernels;
  private final Workspace workspace;
  private final ModelRunner runner;
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
    this.step = step;
    this.settler = settler;
    this.clock = clock;
  }

  /**
   * Computes one step. Returns false if the policy has nothing to compute now although sequences
   * wait.
   */
  boolean step() {
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

  /** Makes the drafts that the plan has room for, and computes all its rows. */
  private Launched launch(Planned planned, Step step) {
    speculator.draft(planned.plan());
    List<Segment> segments = batch.fill(planned.plan(), step);
    workspace.kernels(kernels.next(step.rows()));
    planned.times().mark(Phase.DRAFT);
    Forward forward = run(step);
    planned.times().mark(Phase.LAUNCH);
    return new Launched(planned, segments, forward);
  }

  private Forward run(Step step) {
    try {
      return runner.run(step);
    } catch (OutOfMemoryError e) { // a bucket's buffers are made when they are first needed
      throw Heap.during("computing a step of " + step.rows() + " rows", e);
    }
  }
}
