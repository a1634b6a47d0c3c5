package orrery.model;

import java.util.HashSet;
import java.util.Set;
import orrery.graph.HighestLogits;
import orrery.graph.IntBuffer;
import orrery.graph.Launcher;
import orrery.graph.Operand;

/**
 * A forward pass that also finds the highest logit of greedy rows, behind the head of the main
 * model and behind that of the MTP layer. No model needs to know of it.
 */
public final class GreedyForward implements ForwardingForward {
  private final Forward forward;
  private final HighestLogits highest;
  private HighestLogits highestOfMtp; // null until it is asked for: a model may have no MTP layer

  /** The same pass, with the highest logits behind it. */
  public GreedyForward(Forward forward) {
    this.forward = forward;
    this.highest = HighestLogits.of(forward.logits());
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
    return highest.token(logitRow);
  }

  /** The same of a row of {@link #mtpLogits}. */
  public int mtpHighest(int logitRow) {
    return ofMtp().token(logitRow);
  }

  /** What {@link #mtpHighest} reads beside the logits. */
  public IntBuffer mtpBest() {
    return ofMtp().best();
  }

  private HighestLogits ofMtp() {
    if (highestOfMtp == null) {
      highestOfMtp = HighestLogits.of(forward.mtpLogits());
    }
    return highestOfMtp;
  }

  @Override
  public void main(Launcher g) {
    forward.main(g);
    g.launch(highest);
  }

  @Override
  public void head(Launcher g) {
    forward.head(g);
    g.launch(highest);
  }

  @Override
  public void mtp(Launcher g) {
    forward.mtp(g);
    g.launch(ofMtp());
  }

  @Override
  public Set<Operand> results() {
    return with(highest.best(), forward.results());
  }

  @Override
  public Set<Operand> mtpResults() {
    return with(mtpBest(), forward.mtpResults());
  }

  private static Set<Operand> with(IntBuffer best, Set<Operand> results) {
    Set<Operand> all = new HashSet<>(results);
    all.add(best);
    return all;
  }
}
