package orrery.prefix;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongBinaryOperator;

/**
 * The blocks of a {@link HashBlockCache} by chained hash. The hash of a block covers its tokens and
 * the hash of the block before.
 *
 * <pre>
 *   h0 = hash(salt, tokens 0..P-1)    h1 = hash(h0, tokens P..2P-1)    …    h → block → pages
 * </pre>
 *
 * <p>Hashes may collide, so a look-up compares tokens.
 */
final class BlockTable {
  private final Map<Long, List<HashBlock>> table = new HashMap<>(); // the newest of a hash first
  private final int pageTokens;
  private final LongBinaryOperator mix;
  private int size;

  /**
   * @param mix mixes one token into a hash
   */
  BlockTable(int pageTokens, LongBinaryOperator mix) {
    this.pageTokens = pageTokens;
    this.mix = mix;
  }

  /**
   * The hash of a block.
   *
   * @param parent the block before; null if there is none
   * @param block its number in its sequence
   */
  long hash(String salt, HashBlock parent, int[] tokens, int block) {
    long h = parent == null ? salt.hashCode() : parent.hash;
    for (int i = block * pageTokens; i < (block + 1) * pageTokens; i++) {
      h = mix.applyAsLong(h, tokens[i]);
    }
    return h;
  }

  /** The newest block with these tokens behind a chain like the parent's; null if there is none. */
  HashBlock find(long hash, HashBlock parent, String salt, int[] tokens, int block) {
    for (HashBlock e : table.getOrDefault(hash, List.of())) {
      if (e.holds(tokens, block) && e.salt.equals(salt) && sameChain(e.parent, parent)) {
        return e;
      }
    }
    return null;
  }

  /**
   * Whether two chains have equal tokens from the first block on. Equal chains can be different
   * objects if a parent was evicted and entered again.
   */
  private static boolean sameChain(HashBlock a, HashBlock b) {
    while (a != b) {
      if (a == null || b == null || !a.holds(b.tokens, 0)) {
        return false;
      }
      if (a.twins == b.twins) {
        return true;
      }
      a = a.parent;
      b = b.parent;
    }
    return true;
  }

  void add(HashBlock e) {
    table.computeIfAbsent(e.hash, h -> new ArrayList<>()).addFirst(e);
    size++;
  }

  void remove(HashBlock e) {
    List<HashBlock> sameHash = table.get(e.hash);
    sameHash.remove(e);
    if (sameHash.isEmpty()) {
      table.remove(e.hash);
    }
    size--;
  }

  /** How many blocks there are. */
  int size() {
    return size;
  }

  void forEach(Consumer<HashBlock> what) {
    table.values().forEach(sameHash -> sameHash.forEach(what));
  }

  /** All blocks, counted anew. */
  List<HashBlock> all() {
    return table.values().stream().flatMap(List::stream).toList();
  }
}
