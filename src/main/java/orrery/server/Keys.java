package orrery.server;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** The keys of a server. Comparing them takes as long for a near miss as for any other text. */
final class Keys {
  private static final int TENANT_BYTES = 16; // of a digest: no two keys share so many

  private final List<byte[]> digests; // of the keys

  Keys(List<String> keys) {
    this.digests = keys.stream().map(Keys::digest).toList();
  }

  /**
   * The tenant of a caller: empty if there are no keys, else a digest of the key, in hexadecimal
   * digits. It names the same caller in another server and after a restart, where keys may have
   * other places: what a tenant has left in files is its own. Nothing tells or logs it.
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
    boolean known = false;
    for (byte[] digest : digests) {
      known |= MessageDigest.isEqual(digest, given);
    }
    if (!known) {
      String found = bearer ? "another key" : "none";
      throw new HttpException(
          401,
          "invalid_request_error",
          null,
          "invalid_api_key",
          "Authorization: expected Bearer and a key of this server, found " + found);
    }
    return HexFormat.of().formatHex(given, 0, TENANT_BYTES);
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
