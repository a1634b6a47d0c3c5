package orrery.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;

/**
 * Reads the body of a request, with a bound on its bytes and on the time that it may take, and a
 * bound on the bytes of all bodies together.
 */
final class Body {
  /** Most bytes of all bodies that come in or wait to be read: values made of them take more. */
  static final int MEMORY =
      (int) Math.clamp(Runtime.getRuntime().maxMemory() / 16, 1 << 20, Integer.MAX_VALUE);

  /** Bytes of {@link #MEMORY} that no body holds. */
  static final Semaphore FREE = new Semaphore(MEMORY);

  private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long PIECE_NANOS = TimeUnit.MILLISECONDS.toNanos(500); // to wait for more

  private final Request request;
  private final ServerOptions options;
  private final Semaphore more = new Semaphore(0); // a permit when Jetty has something, or an error
  private volatile boolean demanded; // whether Jetty owes a permit
  private boolean complete;
  private boolean late; // whether a wait for the client has ended without a piece
  private int held; // bytes of FREE

  Body(Request request, ServerOptions options) {
    this.request = request;
    this.options = options;
    boolean chunked = request.getHeaders().contains(HttpHeader.TRANSFER_ENCODING);
    this.complete = !chunked && request.getHeaders().getLongField(HttpHeader.CONTENT_LENGTH) <= 0;
  }

  /** Whether nothing is left to be read. */
  boolean complete() {
    return complete;
  }

  /**
   * Reads all of it, and gives it to {@code reader} ({@link BodyWork}).
   *
   * @throws HttpException 413 if it is too long, 408 if it takes too long, 400 if it is no body of
   *     HTTP, 503 if other bodies hold all memory for bodies
   * @throws IOException if the client is gone
   */
  <T> T read(Function<byte[], T> reader) throws IOException {
    try {
      byte[] all = read();
      return BodyWork.done(() -> reader.apply(all));
    } finally {
      FREE.release(held);
      held = 0;
    }
  }

  private byte[] read() throws IOException {
    long length = request.getHeaders().getLongField(HttpHeader.CONTENT_LENGTH);
    requireFits(length);
    ByteArrayOutputStream all = new ByteArrayOutputStream((int) Math.clamp(length, 0, 64 << 10));
    long deadline = request.getBeginNanoTime() + options.sendTime().toNanos();
    while (!complete) {
      Content.Chunk chunk = next(deadline);
      try {
        requireFits((long) all.size() + chunk.remaining());
        hold(chunk.remaining());
        copy(chunk.getByteBuffer(), all);
      } finally {
        chunk.release();
      }
    }
    return all.toByteArray();
  }

  private static void copy(ByteBuffer from, ByteArrayOutputStream to) {
    byte[] bytes = new byte[from.remaining()];
    from.get(bytes);
    to.writeBytes(bytes);
  }

  private void requireFits(long bytes) {
    int most = Math.min(options.maxBody(), MEMORY);
    if (bytes > most) {
      throw HttpException.refused(
          413, null, "body: expected at most " + most + " bytes, found more");
    }
  }

  private void hold(int bytes) {
    if (!FREE.tryAcquire(bytes)) {
      throw HttpException.unavailable(
          "bodies of other calls hold the memory for bodies: "
              + MEMORY
              + " bytes; try again later");
    }
    held += bytes;
  }

  /** The next piece; waits for it until the deadline. */
  private Content.Chunk next(long deadline) throws IOException {
    Content.Chunk chunk = request.read();
    while (chunk == null) {
      if (!demanded) { // else a wait has ended before, at its deadline
        demanded = true;
        request.demand(this::wake);
      }
      try {
        if (!more.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          throw late();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while a body was read");
      }
      chunk = request.read();
    }
    if (Content.Chunk.isFailure(chunk)) {
      throw failure(chunk.getFailure());
    }
    complete = chunk.isLast();
    return chunk;
  }

  private void wake() {
    demanded = false;
    more.release();
  }

  private HttpException late() {
    late = true;
    return HttpException.refused(
        408, null, "body: expected all of it within " + options.sendTime().toSeconds() + " s");
  }

  private HttpException failure(Throwable why) throws IOException {
    return switch (why) {
      case TimeoutException e -> late();
      case org.eclipse.jetty.http.HttpException e ->
          HttpException.invalid(null, ParseWords.ofBody(String.valueOf(e.getReason())));
      case IOException e -> throw e;
      default -> throw new IOException(why);
    };
  }

  /**
   * Throws away what the client still sends, for a while, before it is answered. A client that
   * reads only when it has sent all would else find its connection reset, and no answer.
   *
   * <p>Nothing may be read behind the last byte of an answer: then Jetty may close the connection
   * at the same time, and both would release its buffer.
   */
  void discard() {
    boolean waits = request.getHeaders().contains(HttpHeader.EXPECT); // for leave to send it
    long end = System.nanoTime() + LINGER_NANOS;
    long left = Math.max(options.maxBody(), 1 << 20);
    try {
      while (!complete && !waits && !late && left > 0) {
        Content.Chunk chunk = next(Math.min(end, System.nanoTime() + PIECE_NANOS));
        left -= chunk.remaining();
        chunk.release();
      }
    } catch (IOException | HttpException enough) {
      // the connection is closed either way
    }
  }
}
