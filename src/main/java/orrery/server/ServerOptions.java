package orrery.server;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import orrery.options.Options;

/**
 * Where a server listens, who may come in, and how much a client may send, hold and wait.
 *
 * @param host name or address to listen at
 * @param port to listen at; 0 takes a free one
 * @param apiKeys keys, one of which every call needs ({@code Authorization: Bearer KEY}) except
 *     {@code GET /health} and {@link Routes#getFree free files}; each key is a tenant of its own.
 *     None: no call needs a key
 * @param allowAnyone listens at addresses other than loopback also without a key
 * @param maxBody most bytes of a request's body; a longer one gets 413
 * @param maxConnections most open connections; a call on a further one gets 503
 * @param sendTime how long a client may take to send a request, from its first byte to its last
 * @param readTime how long a client may take to read an event, or 64 KiB of an answer or of an
 *     event that is longer
 * @param idleTime how long a connection stays open between two calls
 */
public record ServerOptions(
    String host,
    int port,
    List<String> apiKeys,
    boolean allowAnyone,
    int maxBody,
    int maxConnections,
    Duration sendTime,
    Duration readTime,
    Duration idleTime) {
  /** Most bytes of a request's line and headers together; more get 431. */
  static final int MAX_HEADER = 16 << 10;

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public ServerOptions {
    Options.check(host != null && !host.isBlank(), "host", "a name or an address", host);
    Options.check(port >= 0 && port <= 65_535, "port", "0 to 65535", port);
    apiKeys = List.copyOf(apiKeys);
    Options.check(
        apiKeys.stream().noneMatch(String::isBlank), "api-key", "keys that are not empty", "\"\"");
    Options.check(maxBody >= 1, "max-body", "at least 1", maxBody);
    Options.check(maxConnections >= 1, "max-connections", "at least 1", maxConnections);
    Options.check(positive(sendTime), "send-time", "above 0", sendTime);
    Options.check(positive(readTime), "read-time", "above 0", readTime);
    Options.check(positive(idleTime), "idle-time", "above 0", idleTime);
    Options.check(
        allowAnyone || !apiKeys.isEmpty() || isLoopback(host),
        "host",
        "a loopback address such as 127.0.0.1, or else --api-key or --allow-anyone",
        host);
  }

  private static boolean positive(Duration d) {
    return d != null && d.isPositive();
  }

  /** Whether only this machine reaches the server. */
  public boolean isLoopback() {
    return isLoopback(host);
  }

  private static boolean isLoopback(String host) {
    try {
      for (InetAddress address : InetAddress.getAllByName(host)) {
        if (!address.isLoopbackAddress()) {
          return false;
        }
      }
      return true;
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("host: expected a known name, found " + host, e);
    }
  }

  /** The default options: loopback, port 30000 as SGLang, no key. */
  public static ServerOptions defaults() {
    return new ServerOptions(
        "127.0.0.1",
        30_000,
        List.of(),
        false,
        8 << 20,
        4096,
        Duration.ofSeconds(60),
        Duration.ofSeconds(30),
        Duration.ofSeconds(60));
  }

  public ServerOptions withHost(String host) {
    return Options.with(this, "host", host);
  }

  public ServerOptions withPort(int port) {
    return Options.with(this, "port", port);
  }

  public ServerOptions withApiKeys(List<String> apiKeys) {
    return Options.with(this, "apiKeys", apiKeys);
  }

  public ServerOptions withAllowAnyone(boolean allowAnyone) {
    return Options.with(this, "allowAnyone", allowAnyone);
  }

  public ServerOptions withMaxBody(int maxBody) {
    return Options.with(this, "maxBody", maxBody);
  }

  public ServerOptions withMaxConnections(int maxConnections) {
    return Options.with(this, "maxConnections", maxConnections);
  }

  public ServerOptions withSendTime(Duration sendTime) {
    return Options.with(this, "sendTime", sendTime);
  }

  public ServerOptions withReadTime(Duration readTime) {
    return Options.with(this, "readTime", readTime);
  }

  public ServerOptions withIdleTime(Duration idleTime) {
    return Options.with(this, "idleTime", idleTime);
  }
}
