package orrery.model;

import orrery.graph.Launcher;
import orrery.graph.RoundedInputs;

/** A forward pass with rounded inputs of its products with quantised weights. */
final class RoundedForward implements ForwardingForward {
  private final Forward forward;
  private final RoundedInputs.Space space = new RoundedInputs.Space();

  RoundedForward(Forward forward) {
    this.forward = forward;
  }

  @Override
  public Forward real() {
    return forward;
  }

  /** Bytes of the rounded buffers that launches have needed so far. */
  long bytes() {
    return space.bytes();
  }

  @Override
  public void main(Launcher g) {
    forward.main(new RoundedInputs(g, space));
  }

  @Override
  public void head(Launcher g) {
    forward.head(new RoundedInputs(g, space));
  }

  @Override
  public void mtp(Launcher g) {
    forward.mtp(new RoundedInputs(g, space));
  }

  @Override
  public void mtpKv(Launcher g) {
    forward.mtpKv(new RoundedInputs(g, space));
  }
}
