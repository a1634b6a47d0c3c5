package orrery.server;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/** The keys of a server. Comparing them takes as long for a near miss as for any other text. */
final class Keys {
  private final List<byte[]> digests; // of the keys, in their order

  Keys(List<String> keys) {
    this.digests = keys.stream().map(Keys::digest).toList();
  }

  /**
   * The tenant of a caller: empty if there are no keys, else the place of the key among them, from
   * 1.
   *
   * @param authorization the header's value; empty if there is none
   * @throws HttpException 401 if no key fits
   */
  String tenant(String authorization) {
    if (digests.isEmpty()) {
      return "";
    }
    String scheme = "Bearer ";
    boolean bearer = authorization.regionMatches(true, 0, scheme, 0, scheme.length());
    byte[] given = digest(bearer ? authorization.substring(scheme.length()).strip() : "");
    int tenant = 0;
    for (int i = 0; i < digests.size(); i++) {
      if (MessageDigest.isEqual(digests.get(i), given)) {
        tenant = i + 1;
      }
    }
    if (tenant == 0) {
      String found = bearer ? "another key" : "none";
      throw new HttpException(
          401,
          "invalid_request_error",
          null,
          "invalid_api_key",
          "Authorization: expected Bearer and a key of this server, found " + found);
    }
    return Integer.toString(tenant);
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
