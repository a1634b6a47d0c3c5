package orrery.server;

import java.util.Optional;

/**
 * One HTTP request and the answer to it, as a handler sees them. A handler runs on a virtual thread
 * of its own, so every method here may wait. Exactly one of {@link #answer} and {@link #events} is
 * called, once.
 */
public interface Call {
  /** The method, such as {@code POST}. */
  String method();

  /** The path without the query, such as {@code /v1/models}. */
  String path();

  /** The first value of a query parameter, decoded. */
  Optional<String> query(String name);

  /** The first value of a header; names are compared without case. */
  Optional<String> header(String name);

  /**
   * The whole body.
   *
   * @throws HttpException if it is longer than the server allows (413), or if the client takes too
   *     long to send it (408)
   */
  byte[] body();

  /**
   * Runs {@code then} once if the client closes its connection before the answer is complete; at
   * once if it has done so already. It runs on a thread of the server and must not wait.
   */
  void onClose(Runnable then);

  /** Answers with a whole body. */
  void answer(int status, String contentType, byte[] body);

  /** Begins an answer of server-sent events, with status 200. */
  EventStream events();
}
