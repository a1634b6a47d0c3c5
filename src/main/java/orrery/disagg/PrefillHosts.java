package orrery.disagg;

import java.net.InetAddress;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import orrery.options.Options;

/**
 * The prefill sides that a request may name: one port of this machine, and what the user lists. A
 * decode side calls them, and takes their rows into its prefix cache. So no caller may choose them
 * freely, nor try which ports of this machine answer.
 *
 * @param places that the user lists
 * @param port of this machine that a request may name without a list
 */
public record PrefillHosts(Set<Place> places, int port) {
  private static final String OPTION = "disaggregation-prefill-hosts";
  private static final String EXPECTED =
      "HOST or HOST:PORT, a name or an address each, with commas between, or *";
  private static final String THIS_MACHINE = "localhost";
  private static final int ANY = 0;
  private static final Place EVERYWHERE = new Place("*", ANY);

  private static final Pattern WITH_PORT = Pattern.compile("(\\[.*]|[^:]*):([0-9]{1,5})");
  private static final Pattern NAME =
      Pattern.compile("[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\\.?", Pattern.CASE_INSENSITIVE);
  private static final Pattern NUMBER_LAST = // an address that is none, and never a name
      Pattern.compile("(.*\\.)?([0-9]+|0x[0-9a-f]*)\\.?", Pattern.CASE_INSENSITIVE);

  /**
   * A place that prefill sides listen at.
   *
   * @param host a name in lower case, an address as Java writes it, "localhost" for all addresses
   *     of this machine alone, or "*" for every host
   * @param port 0 for every port
   */
  public record Place(String host, int port) {}

  /**
   * A port of this machine, and the places of some lists.
   *
   * @param lists each with commas between HOST, which stands for all its ports, HOST:PORT, and "*";
   *     an address of IPv6 before a port has brackets
   * @throws IllegalArgumentException naming the option, if an entry is none of these
   */
  public static PrefillHosts of(List<String> lists, int port) {
    Set<Place> places =
        lists.stream()
            .flatMap(list -> Stream.of(list.split(",", -1)))
            .map(entry -> place(entry.strip()))
            .collect(Collectors.toUnmodifiableSet());
    return new PrefillHosts(places, port);
  }

  private static Place place(String entry) {
    if (entry.equals(EVERYWHERE.host)) {
      return EVERYWHERE;
    }
    Matcher m = WITH_PORT.matcher(entry);
    boolean ports = m.matches();
    String host = ports ? m.group(1) : entry;
    int port = ports ? Integer.parseInt(m.group(2)) : ANY;
    boolean fits = isHost(host) && (!ports || port >= 1 && port <= 0xFFFF);
    Options.check(fits, OPTION, EXPECTED, entry.isEmpty() ? "an empty entry" : entry);
    return new Place(plain(host), port);
  }

  private static boolean isHost(String host) {
    return address(host).isPresent()
        || NAME.matcher(host).matches() && !NUMBER_LAST.matcher(host).matches();
  }

  /**
   * Whether a request may name a host and a port. Names are compared as they are written: what a
   * name server says today, it may not say when the connection is made.
   */
  public boolean allow(String host, int port) {
    String plain = plain(host);
    return places.contains(EVERYWHERE)
        || places.contains(new Place(plain, ANY))
        || places.contains(new Place(plain, port))
        || port == this.port && plain.equals(THIS_MACHINE);
  }

  private static String plain(String host) {
    return address(host)
        .map(a -> a.isLoopbackAddress() ? THIS_MACHINE : a.getHostAddress())
        .orElseGet(() -> host.toLowerCase(Locale.ROOT));
  }

  private static Optional<InetAddress> address(String host) {
    try {
      return Optional.of(InetAddress.ofLiteral(host));
    } catch (IllegalArgumentException e) { // a name
      return Optional.empty();
    }
  }
}
