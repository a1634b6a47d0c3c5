package orrery.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import orrery.kv.KvGeometry;
import orrery.prefix.Block;
import orrery.prefix.BlockCache;
import orrery.prefix.Hits;

/**
 * The blocks of a prompt that some tier has. First those that the cache over pages finds, then
 * those that are on the host alone. Where a block has lost a page, its part on the host stands in.
 *
 * <pre>
 *   block            0     1     2     3     4     5
 *   pool 0  pages    7     3     9     ·     ·     ·        · gone
 *           host     x     x     x     x     x     ·        x whole
 *   pool 1  pages    ·     ·     4     ·     ·     ·
 *           host     ·     x     ·     ·     x     ·
 *                    └── in pages ──┘└─ beyond ─┘
 *
 *   A hit may end behind block 1 (load its page of pool 1), 2 (load nothing) or 4 (load three).
 * </pre>
 *
 * <p>Beyond the pages, the look-up goes on while the host has the parts that a prefix needs all of.
 */
final class Lookup implements Hits.Pages {
  private final KvGeometry geometry;
  private final PartLayout layout;
  private final Stores stores;
  private final Predicate<Part> has; // a slower tier
  private final BlockCache.Walk walk;
  private final List<BlockKey> beyond = new ArrayList<>(); // of blocks behind those of the walk

  /**
   * @param has whether a slower tier has a part
   * @param keys makes the names of blocks that no page has
   */
  Lookup(
      KvGeometry geometry,
      PartLayout layout,
      Stores stores,
      Predicate<Part> has,
      BlockCache.Walk walk,
      BlockKeys keys,
      Prefix prefix) {
    this.geometry = geometry;
    this.layout = layout;
    this.stores = stores;
    this.has = has;
    this.walk = walk;
    int p = geometry.pageTokens();
    BlockKey key = walked() == 0 ? keys.root(prefix.salt()) : key(walked() - 1);
    for (int b = walked(); b < prefix.limit() / p; b++) {
      key = keys.next(key, prefix.tokens(), b * p, (b + 1) * p);
      if (!hasAll(key)) {
        break;
      }
      beyond.add(key);
    }
  }

  /** Whether the host has the parts of a block that every longer prefix needs. */
  private boolean hasAll(BlockKey key) {
    for (int pool = 0; pool < geometry.pools(); pool++) {
      if (needsAll(pool) && !has.test(new Part(key, pool))) {
        return false;
      }
    }
    return true;
  }

  /** Whether every longer prefix needs the parts of a pool. */
  boolean needsAll(int pool) {
    return geometry.needsAll(pool);
  }

  BlockCache.Walk walk() {
    return walk;
  }

  /** Blocks that the cache over pages has. */
  int walked() {
    return walk.blocks().size();
  }

  /** All blocks. */
  int found() {
    return walked() + beyond.size();
  }

  /** The key of a block. */
  BlockKey key(int block) {
    return block < walked() ? stores.key(walk.blocks().get(block)) : beyond.get(block - walked());
  }

  /** Whether all pages of a part are in the KV cache. */
  boolean inPages(int block, int pool) {
    if (block >= walked()) {
      return false;
    }
    for (int i = 0; i < layout.pages(pool); i++) {
      if (walk.blocks().get(block).page(pool, layout.first(pool) + i) == Block.GONE) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int page(int block, int pool, int i) {
    int page = block < walked() ? walk.blocks().get(block).page(pool, i) : Block.GONE;
    if (page != Block.GONE || i < layout.first(pool)) {
      return page;
    }
    return has.test(new Part(key(block), pool)) ? Hits.ELSEWHERE : Block.GONE;
  }
}
