package orrery.server;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Invocable.InvocationType;

/** A call over one of Jetty's connections. One thread uses it, except for the news of a close. */
final class Exchange implements Call, EventStream {
  private static final int PIECE = 64 << 10; // bytes of an answer that are written at once
  private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] END = "\n\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.US_ASCII);

  private final Request request;
  private final Response response;
  private final Callback callback;
  private final ServerOptions options;
  private final WatchedEndPoint endPoint;
  private final Body body;
  private final String path;
  private String tenant = "";
  private String parameter = "";
  private boolean begun; // whether the answer has begun
  private boolean streams; // whether it is a stream of events
  private boolean ended; // whether the answer is complete or broken off

  private final List<Runnable> onClose = new ArrayList<>(); // guarded by itself, as what follows
  private boolean watching;
  private boolean gone;

  Exchange(Request request, Response response, Callback callback, ServerOptions options) {
    this.request = request;
    this.response = response;
    this.callback = callback;
    this.options = options;
    this.endPoint = (WatchedEndPoint) request.getConnectionMetaData().getConnection().getEndPoint();
    this.body = new Body(request, options);
    this.path = request.getHttpURI().getPath();
    endPoint.begin();
  }

  /**
   * Refuses a call on a connection that is one too many.
   *
   * @throws HttpException 503
   */
  void requirePlace() {
    if (endPoint.spare()) {
      throw HttpException.unavailable(
          "connections: expected at most " + options.maxConnections() + ", found more");
    }
  }

  /** Says who calls, and what the open end of the route's path stands for. */
  void known(String tenant, String parameter) {
    this.tenant = tenant;
    this.parameter = parameter;
  }

  @Override
  public String method() {
    return request.getMethod();
  }

  @Override
  public String path() {
    return Percent.decode(path == null ? "" : path);
  }

  @Override
  public String parameter() {
    return parameter;
  }

  @Override
  public Optional<String> query(String name) {
    return Percent.parameter(request.getHttpURI().getQuery(), name);
  }

  @Override
  public Optional<String> header(String name) {
    return Optional.ofNullable(request.getHeaders().get(name));
  }

  @Override
  public String tenant() {
    return tenant;
  }

  @Override
  public <T> T body(Function<byte[], T> reader) throws IOException {
    T read = body.read(reader);
    watchIfWanted();
    return read;
  }

  @Override
  public void onClose(Runnable then) {
    boolean now;
    synchronized (onClose) {
      now = gone;
      if (!now) {
        onClose.add(then);
      }
    }
    if (now) {
      then.run();
    }
    watchIfWanted();
  }

  private void watchIfWanted() {
    boolean begins;
    synchronized (onClose) {
      begins = !watching && !ended && body.complete() && !onClose.isEmpty();
      watching |= begins;
    }
    if (begins) {
      endPoint.watch(this::leave);
    }
  }

  /** Takes note that the client is gone. */
  private void leave() {
    List<Runnable> all;
    synchronized (onClose) {
      gone = true;
      all = List.copyOf(onClose);
      onClose.clear();
    }
    all.forEach(Runnable::run);
  }

  @Override
  public void answer(int status, String contentType, byte[] all) throws IOException {
    body.discard();
    begin(status, contentType);
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, all.length);
    write(true, ByteBuffer.wrap(all));
    end();
  }

  @Override
  public EventStream events() {
    begin(200, "text/event-stream; charset=utf-8");
    response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-cache");
    streams = true;
    return this;
  }

  private void begin(int status, String contentType) {
    if (begun) {
      throw new IllegalStateException("a call is answered once");
    }
    begun = true;
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, contentType);
    if (!body.complete() || endPoint.spare()) {
      response.getHeaders().put(HttpHeader.CONNECTION, "close");
    }
  }

  @Override
  public void send(byte[] json) throws IOException {
    ByteBuffer event = ByteBuffer.allocate(DATA.length + json.length + END.length);
    write(false, event.put(DATA).put(json).put(END).flip());
  }

  @Override
  public void send(List<byte[]> json) throws IOException {
    write(false, ByteBuffer.wrap(DATA));
    for (byte[] piece : json) {
      write(false, ByteBuffer.wrap(piece));
    }
    write(false, ByteBuffer.wrap(END));
  }

  @Override
  public void done() throws IOException {
    write(true, ByteBuffer.wrap(DONE));
    end();
  }

  @Override
  public void abort() {
    if (!ended) {
      fail(new EofException("broken off"));
    }
  }

  /** Answers with an error; as the last event if the answer is a stream that has begun. */
  void refuse(HttpException e) throws IOException {
    if (streams && !ended) {
      send(Errors.body(e));
      done();
    } else if (!begun) {
      e.retryAfter().ifPresent(s -> response.getHeaders().put("Retry-After", Integer.toString(s)));
      if (e.status() == 401) {
        response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer");
      }
      answer(e.status(), "application/json", Errors.body(e));
    } else {
      abort(); // a part of another answer is on its way
    }
  }

  /** The call as a report names it; the path as it was sent, which may be malformed. */
  String name() {
    return method() + " " + path;
  }

  @Override
  public void header(String name, String value) {
    response.getHeaders().put(name, value);
  }

  /** Whether an answer is complete or broken off. */
  boolean ended() {
    return ended;
  }

  /** Writes piece by piece, each of which the client has time to read. */
  private void write(boolean last, ByteBuffer all) throws IOException {
    do {
      int bytes = Math.min(PIECE, all.remaining());
      ByteBuffer piece = all.slice(all.position(), bytes);
      all.position(all.position() + bytes);
      writePiece(last && !all.hasRemaining(), piece);
    } while (all.hasRemaining());
  }

  private void writePiece(boolean last, ByteBuffer bytes) throws IOException {
    var written = new Callback.Completable(InvocationType.NON_BLOCKING);
    response.write(last, bytes, written);
    try {
      written.get(options.readTime().toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw broken(e.getCause() instanceof IOException io ? io : new IOException(e.getCause()));
    } catch (TimeoutException e) {
      long seconds = options.readTime().toSeconds();
      throw broken(new IOException("the client has read nothing for " + seconds + " s"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw broken(new InterruptedIOException("interrupted while an answer was sent"));
    }
  }

  private IOException broken(IOException why) {
    fail(why);
    return why;
  }

  /** Ends the answer, of which all is written. */
  private void end() {
    if (finish()) {
      callback.succeeded();
    }
  }

  /** Breaks the answer off, and closes the connection. */
  void fail(Throwable why) {
    if (finish()) {
      leave();
      endPoint.close();
      callback.failed(why);
    }
  }

  private boolean finish() {
    boolean first;
    synchronized (onClose) {
      first = !ended;
      ended = true;
    }
    if (first) { // later, the connection is the next call's
      endPoint.end();
    }
    return first;
  }
}
