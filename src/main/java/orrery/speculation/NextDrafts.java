package orrery.speculation;

import java.util.List;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.model.GreedyForward;

/**
 * The op between two links of a chain of drafts. Each row's guess becomes the token of the
 * sequence's next row, and each row's MTP state becomes the state that the next row continues. Rows
 * of sequences that want no more guesses drop out. So one captured chain serves batches in which
 * every sequence wants a different number.
 */
record NextDrafts(GreedyForward forward, MtpChain chain) implements Op {
  @Override
  public void run(Step step, int share, int shares) {
    chain.advance(forward);
  }

  @Override
  public List<Operand> reads() {
    return List.of(
        forward.mtpLogits(),
        forward.mtpBest(),
        forward.mtpStates(),
        StepField.POSITION,
        StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(
        forward.mtpInput(), StepField.TOKEN, StepField.POSITION, StepField.SLOT, StepField.ROWS);
  }

  @Override
  public boolean serial() {
    return true; // changes the step itself
  }

  @Override
  public long cost(Step step) {
    return 0;
  }

  @Override
  public String line() {
    return "token = guess of " + forward.mtpLogits() + ", mtpInput = " + forward.mtpStates();
  }
}
