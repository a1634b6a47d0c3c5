package orrery.engine;

/**
 * Sends what a prefill engine has computed. The engine calls these methods on its own thread, so
 * they return at once and throw nothing.
 */
public interface KvSender {
  /**
   * A prompt is computed. Its pages stay as they are until {@link PrefillTicket#sent} or {@link
   * Ticket#failed}.
   */
  void ready(KvPages pages, Prefilled prefilled);

  /**
   * The request ends, for example because a caller has cancelled it. If {@link #ready} came before,
   * the engine waits for {@link Ticket#failed}, since its pages may be being read.
   */
  void ended(String why);
}
