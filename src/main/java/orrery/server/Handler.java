package orrery.server;

import java.io.IOException;

/** Answers the calls of one path. */
@FunctionalInterface
public interface Handler {
  /**
   * Answers a call. What it throws becomes an error in OpenAI's shape, as {@link Errors} says. If
   * the answer has begun as a stream, the error is its last event.
   *
   * @throws IOException if the client is gone
   */
  void handle(Call call) throws IOException;
}
