package orrery.engine;

import java.util.function.LongSupplier;
import orrery.model.GreedyForward;

/**
 * What the computing lane does with a step: it puts the tokens of the step before into the rows,
 * runs the forward pass, and decides the tokens. It touches no book of the engine.
 */
final class Compute {
  private final ForwardPass pass;
  private final Decider decider;
  private final LongSupplier clock;

  Compute(ForwardPass pass, Decider decider, LongSupplier clock) {
    this.pass = pass;
    this.decider = decider;
    this.clock = clock;
  }

  /** Computes the states and logits of a step. */
  GreedyForward run(Flight flight) {
    flight.began(clock.getAsLong());
    flight.poison.run();
    flight.before.resolve(flight.step);
    GreedyForward forward = pass.run(flight.step);
    flight.computed(forward, clock.getAsLong());
    return forward;
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
