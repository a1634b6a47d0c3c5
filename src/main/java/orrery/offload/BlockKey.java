package orrery.offload;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Names what a block of tokens leaves in the KV cache: SHA-256 over all tokens up to the block's
 * end, and over everything else that a cached row depends on. Equal names mean equal rows, to the
 * bit, in any process and on any machine.
 *
 * <pre>
 *   root = SHA-256(what the rows depend on beside tokens, salt)
 *   k0   = SHA-256(root, tokens 0 .. P-1)      k1 = SHA-256(k0, tokens P .. 2P-1)      …
 * </pre>
 *
 * <p>The memory of this process compares tokens ({@code prefix}), since a hash that is fast can
 * collide. What lies in a file has no tokens to compare with, so its name must not collide. vLLM
 * chains SHA-256 in the same way ({@code v1/core/kv_cache_utils.py}).
 */
public record BlockKey(long a, long b, long c, long d) implements Comparable<BlockKey> {
  /** Bytes of a key. */
  public static final int BYTES = 32;

  /**
   * The key before the first block.
   *
   * @param rows all that a row depends on beside the tokens: model, numbers, formats, page size
   * @param salt of the tenant; sequences with other salts have other keys
   */
  public static BlockKey root(String rows, String salt) {
    MessageDigest sha = sha256();
    byte[] first = rows.getBytes(StandardCharsets.UTF_8);
    sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(first.length).flip()); // where it ends
    sha.update(first);
    sha.update(salt.getBytes(StandardCharsets.UTF_8));
    return of(sha.digest());
  }

  /** The key of the block of the tokens [from, to) that follows this one. */
  public BlockKey next(int[] tokens, int from, int to) {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES + (to - from) * Integer.BYTES);
    put(bytes.order(ByteOrder.LITTLE_ENDIAN));
    for (int i = from; i < to; i++) {
      bytes.putInt(tokens[i]);
    }
    return of(sha256().digest(bytes.array()));
  }

  /** The key that these 32 bytes are. */
  public static BlockKey of(byte[] bytes) {
    ByteBuffer b = ByteBuffer.wrap(bytes);
    return new BlockKey(b.getLong(), b.getLong(), b.getLong(), b.getLong());
  }

  /** The 32 bytes. */
  public byte[] bytes() {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES);
    put(bytes);
    return bytes.array();
  }

  private void put(ByteBuffer bytes) {
    ByteOrder order = bytes.order();
    bytes.order(ByteOrder.BIG_ENDIAN).putLong(a).putLong(b).putLong(c).putLong(d).order(order);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public int compareTo(BlockKey other) {
    int order = Long.compareUnsigned(a, other.a);
    order = order != 0 ? order : Long.compareUnsigned(b, other.b);
    order = order != 0 ? order : Long.compareUnsigned(c, other.c);
    return order != 0 ? order : Long.compareUnsigned(d, other.d);
  }

  /** The key in hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes());
  }
}
