package orrery.speculation;

import java.util.List;
import orrery.graph.Buffer;

/** Guesses nothing: plain decoding, one token a step. */
public final class NoDrafter implements Drafter {
  @Override
  public int ahead() {
    return 0;
  }

  @Override
  public int behind() {
    return 0;
  }

  @Override
  public Drafts start(Draftable sequence, SamplingContext sampling) {
    return new Drafts(sampling);
  }

  @Override
  public Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling) {
    return new Drafts(sampling);
  }

  @Override
  public int offers(Drafts drafts, int most) {
    return 0;
  }

  @Override
  public int complete(Drafts drafts, int computed) {
    return computed;
  }

  @Override
  public void draft(List<Order> orders) {
    throw new IllegalStateException("nothing was offered");
  }

  @Override
  public void follow(List<Judged> judged, Buffer states, boolean soon) {}
}
