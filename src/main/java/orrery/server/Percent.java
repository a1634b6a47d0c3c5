package orrery.server;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Percent-encoding of paths and queries (RFC 3986), strictly as UTF-8. */
final class Percent {
  private Percent() {}

  /**
   * Decodes a part of a target.
   *
   * @throws HttpException 400 if it is not percent-encoded UTF-8
   */
  static String decode(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      if (c != '%') {
        bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
        i++;
      } else {
        int high = i + 1 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
        int low = i + 2 < text.length() ? Character.digit(text.charAt(i + 2), 16) : -1;
        if (high < 0 || low < 0) {
          throw wrong(text);
        }
        bytes.write(high << 4 | low);
        i += 3;
      }
    }
    try {
      ByteBuffer whole = ByteBuffer.wrap(bytes.toByteArray());
      return StandardCharsets.UTF_8.newDecoder().decode(whole).toString();
    } catch (CharacterCodingException e) {
      throw wrong(text);
    }
  }

  private static HttpException wrong(String found) {
    return HttpException.invalid(null, "path: expected percent-encoded UTF-8, found " + found);
  }

  /**
   * The first value of a query's parameter; a parameter without a value has the empty one.
   *
   * @param query as it was sent; null if there is none
   */
  static Optional<String> parameter(String query, String name) {
    if (query != null) {
      for (String pair : query.split("&")) {
        int equals = pair.indexOf('=');
        String key = equals < 0 ? pair : pair.substring(0, equals);
        if (decode(key.replace('+', ' ')).equals(name)) {
          String value = equals < 0 ? "" : pair.substring(equals + 1);
          return Optional.of(decode(value.replace('+', ' ')));
        }
      }
    }
    return Optional.empty();
  }
}
