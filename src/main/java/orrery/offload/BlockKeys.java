package orrery.offload;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Makes {@link BlockKey}s and remembers the last ones. A request that waits is looked up in each
 * step; its keys depend on its tokens and its salt alone, so they are made once.
 *
 * <p>A key is remembered by the key before it and the tokens of its block themselves. So a look-up
 * compares tokens, and a wrong key cannot come of it. Only the engine's thread touches it.
 */
final class BlockKeys {
  private static final int MOST_ROOTS = 256; // salts; a tenant has one

  /**
   * What a key is made of.
   *
   * @param tokens [tokens of a block]
   */
  private record Source(BlockKey before, int[] tokens) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Source(BlockKey b, int[] t)
          && before.equals(b)
          && Arrays.equals(tokens, t);
    }

    @Override
    public int hashCode() {
      return 31 * before.hashCode() + Arrays.hashCode(tokens);
    }
  }

  /** What was used last, and what is made of it. */
  private static final class Last<K, V> extends LinkedHashMap<K, V> {
    private static final long serialVersionUID = 1;
    private final int most;

    Last(int most) {
      super(16, 0.75f, true);
      this.most = most;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
      return size() > most;
    }
  }

  private final String rows;
  private final Last<String, BlockKey> roots = new Last<>(MOST_ROOTS); // by salt
  private final Last<Source, BlockKey> keys;

  /**
   * @param rows all that a row depends on beside tokens and salt, as in {@link BlockKey#root}
   * @param most keys of blocks that are remembered
   */
  BlockKeys(String rows, int most) {
    this.rows = rows;
    this.keys = new Last<>(most);
  }

  /** The key before the first block of a tenant. */
  BlockKey root(String salt) {
    return roots.computeIfAbsent(salt, s -> BlockKey.root(rows, s));
  }

  /** The key of the block of the tokens [from, to) that follows another one. */
  BlockKey next(BlockKey before, int[] tokens, int from, int to) {
    Source source = new Source(before, Arrays.copyOfRange(tokens, from, to));
    return keys.computeIfAbsent(source, s -> s.before.next(s.tokens, 0, s.tokens.length));
  }

  /** Keys of blocks that are remembered. */
  int size() {
    return keys.size();
  }
}
