package orrery.server;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * An HTTP/1.1 server on virtual threads.
 *
 * <pre>{@code
 * try (HttpServer server = HttpServer.listen(ServerOptions.defaults().withPort(0), bugs)) {
 *   server.open(new Routes().get("/health", call -> call.answer(200, "text/plain", new byte[0])));
 *   ... "http://127.0.0.1:" + server.port() + "/health" ...
 *   server.drain();
 * }
 * }</pre>
 *
 * <p>It listens at once and answers 503 until {@link #open}, so that a busy port is found before a
 * model is loaded, and health checks see a server that starts.
 */
public final class HttpServer implements AutoCloseable {
  private static final int THREADS = 8; // Jetty's own: selector, acceptor, and what they start

  /**
   * Buffers that no other connection uses, before or after. In a pool, a buffer that is released
   * twice would serve two connections at once, and one client's bytes would be read as the other's
   * request. Jetty has an open issue about such releases (12939). Each costs an allocation.
   */
  private static final ByteBufferPool OWN_BUFFERS = new ByteBufferPool.NonPooling();

  private static final int SPARE_CONNECTIONS = 64; // that are told 503; then nothing is accepted

  private final ServerOptions options;
  private final Gate gate = new Gate();
  private final AtomicInteger connections = new AtomicInteger();
  private final Server server;
  private final ServerConnector connector;

  private HttpServer(
      ServerOptions options, BiConsumer<String, Throwable> bugs, UnaryOperator<Handler> front) {
    this.options = options;
    QueuedThreadPool threads = new QueuedThreadPool(THREADS, THREADS);
    threads.setName("orrery-http");
    threads.setReservedThreads(0);
    this.server = new Server(threads);
    this.connector = connector();
    server.addConnector(connector);
    int most =
        (int) Math.min(Integer.MAX_VALUE, (long) options.maxConnections() + SPARE_CONNECTIONS);
    server.addBean(new NetworkConnectionLimit(most, connector));
    server.setHandler(front.apply(new Dispatcher(options, gate, bugs)));
    server.setErrorHandler(new ParseErrors());
  }

  /**
   * Begins to listen.
   *
   * @param bugs gets each call that has found a bug of the server, and what was thrown
   * @throws IOException if the address cannot be listened at
   */
  public static HttpServer listen(ServerOptions options, BiConsumer<String, Throwable> bugs)
      throws IOException {
    return listen(options, bugs, UnaryOperator.identity());
  }

  /**
   * Begins to listen.
   *
   * @param front stands between Jetty and what answers
   */
  static HttpServer listen(
      ServerOptions options, BiConsumer<String, Throwable> bugs, UnaryOperator<Handler> front)
      throws IOException {
    HttpServer all = new HttpServer(options, bugs, front);
    try {
      all.connector.open();
      all.server.start();
    } catch (Exception e) {
      all.close();
      throw new IOException(
          "http://" + options.host() + ":" + options.port() + ": cannot listen: " + e.getMessage(),
          e);
    }
    return all;
  }

  private ServerConnector connector() {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRequestHeaderSize(ServerOptions.MAX_HEADER);
    http.setUriCompliance(UriCompliance.UNSAFE); // paths are only compared, and ids have %2F
    var made =
        new ServerConnector(
            server, null, null, OWN_BUFFERS, 1, 1, new HttpConnectionFactory(http)) {
          @Override
          protected SocketChannelEndPoint newEndPoint(
              SocketChannel channel, ManagedSelector selector, SelectionKey key) {
            var endPoint =
                new WatchedEndPoint(
                    channel,
                    selector,
                    key,
                    getScheduler(),
                    options.sendTime(),
                    connections,
                    options.maxConnections());
            endPoint.setIdleTimeout(getIdleTimeout());
            return endPoint;
          }
        };
    made.setHost(options.host());
    made.setPort(options.port());
    made.setIdleTimeout(options.idleTime().toMillis());
    made.setAcceptQueueSize(1024);
    return made;
  }

  /** Lets calls in. */
  public void open(Routes routes) {
    gate.open(routes);
  }

  /** The port, even if the options left the choice to the system. */
  public int port() {
    return connector.getLocalPort();
  }

  /** Open connections. */
  public int connections() {
    return connections.get();
  }

  /**
   * Refuses further calls with 503, {@code /health} too, and waits until those that came before are
   * answered. What is answered {@linkplain Routes#getToTheEnd to the end} is answered meanwhile.
   */
  public void drain() throws InterruptedException {
    gate.drain();
  }

  /** Closes all connections; calls that are not answered see their client gone. */
  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("the server does not stop", e);
    }
  }
}
