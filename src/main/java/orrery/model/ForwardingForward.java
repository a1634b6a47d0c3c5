package orrery.model;

import orrery.graph.Buffer;
import orrery.graph.Launcher;

/** Another forward pass in all respects but those that an implementation changes. */
public interface ForwardingForward extends Forward {
  /** The other forward pass. */
  Forward real();

  @Override
  default void main(Launcher g) {
    real().main(g);
  }

  @Override
  default void head(Launcher g) {
    real().head(g);
  }

  @Override
  default Buffer states() {
    return real().states();
  }

  @Override
  default Buffer logits() {
    return real().logits();
  }

  @Override
  default void mtp(Launcher g) {
    real().mtp(g);
  }

  @Override
  default void mtpKv(Launcher g) {
    real().mtpKv(g);
  }

  @Override
  default Buffer mtpInput() {
    return real().mtpInput();
  }

  @Override
  default Buffer mtpStates() {
    return real().mtpStates();
  }

  @Override
  default Buffer mtpLogits() {
    return real().mtpLogits();
  }
}
