package orrery.server;

import java.io.IOException;

/** Answers the calls of one path. */
@FunctionalInterface
public interface Handler {
  /**
   * Answers a call.
   *
   * @throws HttpException if the answer is an error, in OpenAI's shape
   * @throws IOException if the client is gone
   */
  void handle(Call call) throws IOException;
}
