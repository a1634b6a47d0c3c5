package orrery.disagg;

import java.net.InetAddress;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The hosts that a request may name as those of its prefill side: this machine, and what the user
 * lists. A decode side calls them, and takes their rows into its prefix cache, so no caller may
 * choose them freely.
 *
 * @param names in lower case, addresses as Java writes them; "*" stands for every host
 */
public record PrefillHosts(Set<String> names) {
  private static final String ANY = "*";

  /** This machine, and the hosts of a list. */
  public static PrefillHosts of(List<String> hosts) {
    return new PrefillHosts(hosts.stream().map(PrefillHosts::plain).collect(Collectors.toSet()));
  }

  /**
   * Whether a request may name a host. Names are compared as they are written: what a name server
   * says today, it may not say when the connection is made.
   */
  public boolean allow(String host) {
    return names.contains(ANY) || names.contains(plain(host)) || isThisMachine(host);
  }

  private static boolean isThisMachine(String host) {
    try {
      return host.equalsIgnoreCase("localhost") || InetAddress.ofLiteral(host).isLoopbackAddress();
    } catch (IllegalArgumentException e) { // a name
      return false;
    }
  }

  private static String plain(String host) {
    try {
      return InetAddress.ofLiteral(host).getHostAddress();
    } catch (IllegalArgumentException e) { // a name
      return host.toLowerCase(Locale.ROOT);
    }
  }
}
