package orrery.engine;

/**
 * Receives for a decode engine what another one has computed. The engine calls these methods on its
 * own thread, so they return at once and throw nothing.
 */
public interface KvReceiver {
  /**
   * The request has pages for the rows of its prompt. No step touches them until {@link
   * DecodeTicket#arrived} or {@link Ticket#failed}.
   *
   * @param pages those that are to be filled
   */
  void reserved(KvPages pages);

  /**
   * The request ends, for example because a caller has cancelled it. If {@link #reserved} came
   * before and neither of its two answers, the engine waits for {@link Ticket#failed}, since pages
   * may be being written.
   */
  void ended(String why);
}
