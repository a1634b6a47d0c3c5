package orrery.engine;

import java.util.function.LongSupplier;
import orrery.graph.Step;
import orrery.graph.Workspace;
import orrery.kernels.KernelSwitch;
import orrery.model.GreedyForward;
import orrery.model.ModelRunner;

/**
 * What the computing lane does with a step: it puts the tokens of the step before into the rows,
 * runs the forward pass, and decides the tokens. It touches no book of the engine.
 */
final class Compute {
  private final KernelSwitch kernels;
  private final Workspace workspace;
  private final ModelRunner runner;
  private final Decider decider;
  private final LongSupplier clock;

  Compute(
      KernelSwitch kernels,
      Workspace workspace,
      ModelRunner runner,
      Decider decider,
      LongSupplier clock) {
    this.kernels = kernels;
    this.workspace = workspace;
    this.runner = runner;
    this.decider = decider;
    this.clock = clock;
  }

  /** Computes the states and logits of a step. */
  GreedyForward run(Flight flight) {
    flight.began(clock.getAsLong());
    flight.poison.run();
    flight.before.resolve(flight.step);
    kernels.next(flight.step.rows(), workspace::kernels);
    GreedyForward forward = run(flight.step);
    flight.computed(forward, clock.getAsLong());
    return forward;
  }

  private GreedyForward run(Step step) {
    try {
      return runner.run(step);
    } catch (OutOfMemoryError e) { // a bucket's buffers are made when they are first needed
      throw Heap.during("computing a step of " + step.rows() + " rows", e);
    }
  }

  /**
   * Decides the tokens of a step, before the next one overwrites its logits. What it leaves is
   * small: a token for each sequence, with its log-probabilities if they are wanted.
   */
  void decide(Flight flight, GreedyForward forward) {
    decider.decide(flight.decisions, forward);
    for (Decision d : flight.decisions) {
      if (!d.sibling && d.segment.logitRow() >= 0) {
        flight.tokens.write(d.place, d.count() > 0 ? d.token(0) : FutureTokens.VOID);
      }
    }
    flight.decided(clock.getAsLong());
  }
}
