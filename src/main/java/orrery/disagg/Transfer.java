package orrery.disagg;

import java.io.IOException;

/**
 * One request's connection between the two sides. One thread at a time may send and one may
 * receive; any thread may close, which ends both at once.
 *
 * <p>A frame arrives whole or not at all, and frames arrive in the order in which they were sent.
 */
public interface Transfer extends AutoCloseable {
  /**
   * Sends a frame; waits while the other side reads slowly.
   *
   * @throws IOException if the connection is closed or broken
   */
  void send(Frame frame) throws IOException;

  /**
   * Waits for the next frame.
   *
   * @param expected the types that may come now; another one is refused before it is read
   * @throws IOException if the connection is closed or broken, if what comes is no whole frame of
   *     these types, or if the other side gave up: then with its reason
   */
  Frame receive(Frame.Type... expected) throws IOException;

  /** Closes the connection; the other side then finds it closed. */
  @Override
  void close();
}
