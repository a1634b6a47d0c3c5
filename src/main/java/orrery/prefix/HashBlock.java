package orrery.prefix;

import java.util.ArrayList;
import java.util.List;
import orrery.kv.KvGeometry;

/**
 * A block of a {@link HashBlockCache}: its place among the blocks of its chain, and who holds it.
 */
final class HashBlock extends Block {
  /** Equal blocks behind equal parents. A child of one stands behind all of them. */
  static final class Twins {
    final List<HashBlock> all = new ArrayList<>(); // those in the table
    int children; // blocks in the table that stand behind them
  }

  final long hash;
  final HashBlock parent; // null for the first block
  final String salt;
  final Twins twins; // this one too
  final Stay<HashBlock> stay;
  private HashBlock before; // in the table: the parent, or a twin of it
  int holders; // sequences that have this block in their chain
  long freed; // when the last of them ended; no two are equal

  HashBlock(
      KvGeometry geometry,
      int[] sequence,
      int index,
      long hash,
      HashBlock parent,
      String salt,
      Twins twins,
      Stays<HashBlock> stays) {
    super(geometry, sequence, index);
    this.hash = hash;
    this.parent = parent;
    this.before = parent;
    this.salt = salt;
    this.twins = twins;
    this.stay = stays.of(this);
  }

  @Override
  public Stay<HashBlock> stay() {
    return stay;
  }

  /** The block before this one in the table. */
  HashBlock before() {
    before = orphan() ? before.twins.all.getFirst() : before;
    return before;
  }

  /** Whether the block that was told to be before this one has gone. */
  boolean orphan() {
    return before != null && !before.twins.all.contains(before);
  }

  /** Where this block lacks a page, that of a twin will do. */
  @Override
  public int page(int pool, int i) {
    int page = pages[pool][i];
    for (int t = 0; page == GONE && t < twins.all.size(); t++) {
      page = twins.all.get(t).pages[pool][i];
    }
    return page;
  }

  /** Whether no block needs this one to be reached. */
  boolean last() {
    return twins.children == 0 || twins.all.size() > 1;
  }
}
