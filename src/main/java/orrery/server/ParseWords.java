package orrery.server;

import java.util.Map;

/**
 * What is wrong with bytes that are no request of HTTP/1.1, in this server's words: the thing, what
 * was expected, and what was found. Jetty's parser knows what is wrong, and says it in a few words
 * that name no thing.
 */
final class ParseWords {
  private static final String LINE = "request line: expected METHOD /PATH HTTP/1.1, found ";

  private static final String BYTES = "request: expected one of HTTP/1.1, found other bytes";

  private static final Map<String, String> REQUEST =
      Map.ofEntries(
          Map.entry("No URI", LINE + "no path"),
          Map.entry("HTTP/0.9 not supported", LINE + "no version"),
          Map.entry("Unknown Version", LINE + "another version"),
          Map.entry("Unsupported Version", LINE + "another version"),
          Map.entry("Upgrade Required", LINE + "HTTP/2.0"),
          Map.entry(
              "URI Too Long",
              "request line: expected at most " + ServerOptions.MAX_HEADER + " bytes, found more"),
          Map.entry(
              "Request Header Fields Too Large",
              "headers: expected at most " + ServerOptions.MAX_HEADER + " bytes, found more"),
          Map.entry(
              "Line Folding not supported",
              "headers: expected NAME: VALUE in each line, found a line that does not begin with a"
                  + " name"),
          Map.entry("No Host", "Host: expected a name or an address, found none"),
          Map.entry("Blank Host", "Host: expected a name or an address, found none"),
          Map.entry("Duplicate Host Header", "Host: expected one, found another one"),
          Map.entry("Bad HostPort", "Host: expected NAME or NAME:PORT, found neither"),
          Map.entry("Authority!=Host", "Host: expected that of the request line, found another"),
          Map.entry(
              "Invalid Content-Length Value",
              "Content-Length: expected a number of bytes, found something else"),
          Map.entry("Multiple Content-Lengths", "Content-Length: expected one, found another one"),
          Map.entry(
              "Transfer-Encoding and Content-Length",
              "Content-Length: expected none beside Transfer-Encoding, found one"),
          Map.entry(
              "Bad Transfer-Encoding, chunked not last",
              "Transfer-Encoding: expected chunked as the last one, found another"),
          Map.entry(
              "Bad Transfer-Encoding, multiple chunked tokens",
              "Transfer-Encoding: expected chunked once, found it again"),
          Map.entry("Expectation Failed", "Expect: expected 100-continue, found something else"),
          Map.entry("Early EOF", "request: expected all of its headers, found an end before it"));

  private static final String CHARACTER = "Illegal character ";

  private ParseWords() {}

  /** What is wrong with a request line or headers. */
  static String ofRequest(String reason) {
    return reason.startsWith(CHARACTER)
        ? "request line and headers: expected characters that HTTP allows there, found "
            + character(reason.substring(CHARACTER.length()))
        : REQUEST.getOrDefault(reason, BYTES);
  }

  /** What is wrong with a body. */
  static String ofBody(String reason) {
    return reason.equals("Early EOF")
        ? "body: expected all of its bytes, or chunks as HTTP/1.1 has them, found an end before it"
        : "body: expected chunks as HTTP/1.1 has them, found other bytes";
  }

  /** A character as Jetty names it, such as {@code CNTL=0x16}. */
  private static String character(String named) {
    if (named.startsWith("SPACE")) {
      return "a space";
    }
    if (named.startsWith("EOL") || named.startsWith("LF") || named.startsWith("CR")) {
      return "the end of a line";
    }
    String code = named.substring(named.indexOf('=') + 1);
    return code.matches("0x[0-9a-fA-F]+") ? "the byte " + code : "another one";
  }
}
