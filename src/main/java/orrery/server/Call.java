package orrery.server;

import java.io.IOException;
import java.util.Optional;
import java.util.function.Function;

/**
 * One HTTP request and the answer to it, as a handler sees them. A handler runs on a virtual thread
 * of its own, so every method here may wait. Exactly one of {@link #answer} and {@link #events} is
 * called, once; a handler that throws instead lets the server answer with an error.
 */
public interface Call {
  /** The method, such as {@code POST}. */
  String method();

  /** The path without the query, decoded, such as {@code /v1/models}. */
  String path();

  /**
   * What the last part of the route's path stands for, decoded: for the route {@code
   * /v1/models/{id}} and the path {@code /v1/models/a/b} it is {@code a/b}. Empty if the route has
   * no such part.
   */
  String parameter();

  /** The first value of a query parameter, decoded. */
  Optional<String> query(String name);

  /** The first value of a header; names are compared without case. */
  Optional<String> header(String name);

  /**
   * Who calls: empty if the server asks for no key, else a short name for the caller's key, which
   * does not tell the key.
   */
  String tenant();

  /**
   * What {@code reader} makes of the whole body, which is empty if there is none. It computes on
   * one of few threads of the platform, not on this virtual one: so it may take long, and must not
   * wait. What it throws, this throws.
   *
   * @throws HttpException if it is longer than the server allows (413), if the client takes too
   *     long to send it (408), if it ends early (400), or if the bodies of other calls hold all
   *     memory for bodies (503)
   * @throws IOException if the connection breaks
   */
  <T> T body(Function<byte[], T> reader) throws IOException;

  /** The whole body as it came; as {@link #body(Function)}. */
  default byte[] body() throws IOException {
    return body(bytes -> bytes);
  }

  /**
   * Runs {@code then} once if the client closes its connection before the answer is complete; at
   * once if it has done so already. It runs on a thread of the server and must not wait. A client
   * that closes only its sending half counts as gone, too. Until the body has been read, a closed
   * connection is noticed by {@link #body} alone.
   */
  void onClose(Runnable then);

  /**
   * Answers with a whole body; returns when its bytes are on their way.
   *
   * @throws IOException if the client is gone or reads too slowly
   */
  void answer(int status, String contentType, byte[] body) throws IOException;

  /** Adds a header to the answer, which has not begun. */
  void header(String name, String value);

  /** Begins an answer of server-sent events, with status 200. */
  EventStream events();
}
