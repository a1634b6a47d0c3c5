package orrery.server;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Keeps pages of the web away from a server without keys. Any page that a user of this machine
 * opens can send calls to loopback: its browser names the page in {@code Origin}. A page whose name
 * is made to mean 127.0.0.1 (DNS rebinding) counts as the server's own for the browser, but its
 * name is still in {@code Host}.
 *
 * <p>A page can also have a picture loaded, or a link followed. Browsers name no {@code Origin} for
 * such a {@code GET}, but say in {@code Sec-Fetch-Site} how the page and the server are related (<a
 * href="https://www.w3.org/TR/fetch-metadata/">Fetch Metadata</a>), at least to a server that they
 * reach by https or at loopback.
 */
final class Origins {
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  private final boolean keys;
  private final boolean loopback;
  private final String own;

  Origins(ServerOptions options) {
    this.keys = !options.apiKeys().isEmpty();
    this.loopback = !keys && options.isLoopback();
    this.own = options.host().toLowerCase(Locale.ROOT);
  }

  /**
   * Refuses a page of another site. With keys nothing is refused, since such a page knows none.
   *
   * @param host the header {@code Host}; empty if there is none
   * @param origin the header {@code Origin}; empty if there is none
   * @throws HttpException 403
   */
  void require(String host, String origin) {
    if (keys) {
      return;
    }
    String called = name(host);
    if (loopback && !host.isEmpty() && !isOwn(called)) {
      throw foreign("Host: expected localhost, an address or the server's --host, found another");
    }
    int scheme = origin.indexOf("://");
    String page = scheme < 0 ? origin : name(origin.substring(scheme + 3));
    if (!origin.isEmpty() && !page.equals(called) && !isLoopback(page)) {
      throw foreign("Origin: expected a page of this machine or server, found another");
    }
  }

  /**
   * Refuses a page of another site, or of another server of this one, that names no origin.
   *
   * @param origin the header {@code Origin}, which {@link #require} has let pass; empty if there is
   *     none
   * @param site the header {@code Sec-Fetch-Site}; empty if there is none
   * @throws HttpException 403
   */
  void requireOwn(String origin, String site) {
    boolean other = site.equals("cross-site") || site.equals("same-site");
    if (!keys && origin.isEmpty() && other) {
      throw foreign("Sec-Fetch-Site: expected same-origin or none, found " + site);
    }
  }

  private static HttpException foreign(String message) {
    return HttpException.refused(403, null, message);
  }

  /** A host without its port, in lower case; an IPv6 address keeps its brackets. */
  private static String name(String host) {
    int colon = host.lastIndexOf(':');
    boolean port = colon > host.lastIndexOf(']');
    return (port ? host.substring(0, colon) : host).strip().toLowerCase(Locale.ROOT);
  }

  /** Whether no other site can be called so. */
  private boolean isOwn(String name) {
    boolean address = name.startsWith("[") || IPV4.matcher(name).matches();
    return address || isLoopback(name) || name.equals(own);
  }

  private static boolean isLoopback(String name) {
    return name.equals("localhost")
        || name.endsWith(".localhost")
        || name.equals("[::1]")
        || name.startsWith("127.") && IPV4.matcher(name).matches();
  }
}
