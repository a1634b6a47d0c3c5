package orrery.server;

import java.io.IOException;
import java.util.List;

/** The body of an answer that is sent piece by piece, as server-sent events. */
public interface EventStream {
  /**
   * Sends {@code data: JSON} and an empty line; returns when the bytes are on their way.
   *
   * @param json one line in UTF-8
   * @throws IOException if the client is gone or reads nothing for too long
   */
  void send(byte[] json) throws IOException;

  /**
   * Sends one event as {@link #send(byte[])} does, without a copy of the whole.
   *
   * @param json the pieces of one line in UTF-8
   * @throws IOException if the client is gone or reads nothing for too long
   */
  void send(List<byte[]> json) throws IOException;

  /** Sends {@code data: [DONE]} and ends the body. */
  void done() throws IOException;

  /** Breaks the body off, so that no client can take it for a whole answer. */
  void abort();
}
