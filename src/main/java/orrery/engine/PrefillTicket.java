package orrery.engine;

import orrery.events.Event.Queue;

/** A request in the engine that computes its prompt, and goes on in another engine. */
public final class PrefillTicket extends Ticket {
  final KvSender sender;

  PrefillTicket(KvSender sender) {
    this.sender = sender;
  }

  /** The other engine has pages for the request: its prompt may be computed. */
  public void bootstrapped() {
    post(() -> home.prefill.bootstrapped(this));
  }

  /**
   * Everything was sent: the request's pages come back, and it is answered with its first token.
   */
  public void sent() {
    post(() -> home.prefill.sent(this));
  }

  @Override
  void end(String why) {
    sender.ended(why);
  }

  @Override
  boolean sends() {
    return queue == Queue.WAITING;
  }

  /** The other engine computes the rest. */
  @Override
  int maxTokens(int wanted) {
    return 1;
  }
}
