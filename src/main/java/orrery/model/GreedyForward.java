package orrery.model;

import java.util.HashSet;
import java.util.Set;
import orrery.graph.HighestLogits;
import orrery.graph.IntBuffer;
import orrery.graph.Launcher;
import orrery.graph.Operand;

/**
 * A forward pass that also finds the highest logit of the main model's greedy rows. No model needs
 * to know of it.
 */
public final class GreedyForward implements ForwardingForward {
  private final Forward forward;
  private final IntBuffer best; // [logitRows][parts] as in HighestLogits

  /** The same pass, with the highest logits behind it. */
  public GreedyForward(Forward forward) {
    this.forward = forward;
    this.best = HighestLogits.buffer(forward.logits());
  }

  @Override
  public Forward real() {
    return forward;
  }

  /**
   * The token with the highest logit of a row; negative if the row has to be looked at, see {@link
   * HighestLogits#token}.
   */
  public int highest(int logitRow) {
    return HighestLogits.token(forward.logits(), best, logitRow);
  }

  @Override
  public void main(Launcher g) {
    forward.main(g);
    g.launch(new HighestLogits(forward.logits(), best));
  }

  @Override
  public void head(Launcher g) {
    forward.head(g);
    g.launch(new HighestLogits(forward.logits(), best));
  }

  @Override
  public Set<Operand> results() {
    Set<Operand> all = new HashSet<>(forward.results());
    all.add(best);
    return all;
  }

  @Override
  public Set<Operand> mtpResults() {
    return forward.mtpResults();
  }
}
