package orrery.speculation;

import orrery.graph.Op;
import orrery.graph.Step;
import orrery.model.Forward;

/**
 * Between two links of a chain of drafts: each row's guess becomes the token of its next row, and
 * its MTP state the state which that continues. Rows whose sequence wants no more drop out, so a
 * captured chain serves batches in which everybody wants a different number.
 */
record NextDrafts(Forward forward, MtpChain chain) implements Op {
  @Override
  public void run(Step step, int part, int parts) {
    if (part == 0) { // changes the step itself
      chain.advance(forward);
    }
  }

  @Override
  public long cost(Step step) {
    return 0;
  }

  @Override
  public String line() {
    return "token = guess of " + forward.mtpLogits() + ", mtpInput = " + forward.mtpHidden();
  }
}
