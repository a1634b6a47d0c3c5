package orrery.engine;

import orrery.speculation.DrafterState;

/** A request in the engine that goes on with a prompt which another engine has computed. */
public final class DecodeTicket extends Ticket {
  final KvReceiver receiver;
  final int reserve;
  DrafterState drafter; // from its arrival to its run

  DecodeTicket(KvReceiver receiver, int reserve) {
    this.receiver = receiver;
    this.reserve = reserve;
  }

  /** All pages are filled, and this is the rest: the request may run. */
  public void arrived(Prefilled prefilled) {
    post(() -> home.decode.arrived(this, prefilled));
  }

  @Override
  void end(String why) {
    receiver.ended(why);
  }

  @Override
  boolean sends() {
    return false;
  }

  @Override
  int maxTokens(int wanted) {
    return wanted;
  }
}
