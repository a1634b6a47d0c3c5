package orrery.disagg;

import java.io.IOException;

/** Makes the connections between the two sides. */
public interface Network {
  /**
   * Calls a prefill side.
   *
   * @throws IOException if it cannot be reached
   */
  Transfer connect(String host, int port) throws IOException;

  /**
   * Lets decode sides call.
   *
   * @param port 0 takes any free one
   * @throws IOException if the port cannot be had
   */
  Listener listen(int port) throws IOException;

  /** A place that decode sides call. */
  interface Listener extends AutoCloseable {
    /**
     * Waits for a call.
     *
     * @throws IOException if this is closed
     */
    Transfer accept() throws IOException;

    int port();

    @Override
    void close();
  }
}
