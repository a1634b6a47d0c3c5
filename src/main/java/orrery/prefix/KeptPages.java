package orrery.prefix;

import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PagePool;
import orrery.kv.PageTable;

/** The pages that a prefix cache keeps, and the block that each of them belongs to. */
final class KeptPages {
  private final KvCache kv;
  private final KvGeometry geometry;
  private final BlockBook book;
  private BlockCache.Leaving leaving; // null if no listener wants to know
  private final Block[][] owner; // [pools][pages] null where the cache does not keep the page

  KeptPages(KvCache kv, BlockBook book) {
    this.kv = kv;
    this.book = book;
    this.geometry = kv.geometry();
    this.owner = new Block[geometry.pools()][];
    for (int pool = 0; pool < owner.length; pool++) {
      owner[pool] = new Block[kv.pool(pool).total()];
    }
  }

  /** Takes note of what is kept. */
  BlockBook book() {
    return book;
  }

  /** From now on, says what leaves. */
  void watch(BlockCache.Leaving leaving) {
    this.leaving = leaving;
  }

  /**
   * Keeps, for block {@code index} of a sequence, the pages that it lacks and the sequence has. In
   * a pool with a window those at the block's beginning that no hit needs are left out. They would
   * take the place of pages that hits do need: SGLang splits a leaf for the same reason ({@code
   * mem_cache/swa_radix_cache.py}). A page that an equal block has already stays with it.
   */
  void keep(Block block, int index, PageTable table) {
    for (int pool = 0; pool < owner.length; pool++) {
      int per = geometry.perBlock(pool);
      int first = Math.max(geometry.unneededOfBlock(pool), table.first(pool) - index * per);
      for (int i = first; i < per; i++) {
        int page = table.pages(pool)[index * per + i];
        if (block.pages[pool][i] == Block.GONE && !kv.pool(pool).isCached(page)) {
          kv.pool(pool).keep(page, block.stay().priority());
          block.pages[pool][i] = page;
          owner[pool][page] = block;
          book.touched(block);
        }
      }
    }
  }

  /** Lets all pages of a block go, which leaves the cache. */
  void drop(Block block) {
    book.left(block);
    for (int pool = 0; pool < owner.length; pool++) {
      for (int i = 0; i < block.pages[pool].length; i++) {
        if (block.pages[pool][i] != Block.GONE) {
          drop(block, pool, i);
        }
      }
    }
    if (leaving != null) {
      leaving.block(block);
    }
  }

  /** A block has another priority, or its time has begun. */
  void retained(Block block) {
    book.retained(block);
    for (int pool = 0; pool < owner.length; pool++) {
      for (int page : block.pages[pool]) {
        if (page != Block.GONE) {
          kv.pool(pool).prioritise(page, block.stay().priority());
        }
      }
    }
    if (leaving != null) {
      leaving.retained(block);
    }
  }

  /**
   * Lets the page go that has been idle for longest, of those with the lowest priority; its block
   * becomes a tombstone.
   */
  Block dropFirst(int pool) {
    int page = kv.pool(pool).firstIdle();
    Block block = owner[pool][page];
    int i = 0;
    while (block.pages[pool][i] != page) {
      i++;
    }
    drop(block, pool, i);
    book.touched(block);
    return block;
  }

  private void drop(Block block, int pool, int i) {
    if (leaving != null) {
      leaving.page(block, pool, i);
    }
    book.dropped(pool, block.stay().priority());
    int page = block.pages[pool][i];
    block.pages[pool][i] = Block.GONE;
    owner[pool][page] = null;
    kv.evict(pool, page);
  }

  /**
   * Recounts the pages.
   *
   * @param blocks all blocks of the cache
   * @throws IllegalStateException if they have other pages than the pools call cached
   */
  void check(Iterable<? extends Block> blocks) {
    for (int pool = 0; pool < owner.length; pool++) {
      PagePool pages = kv.pool(pool);
      int named = 0;
      for (Block block : blocks) {
        for (int page : block.pages[pool]) {
          if (page != Block.GONE) {
            named++;
            if (owner[pool][page] != block || !pages.isCached(page)) {
              throw new IllegalStateException(
                  "pool " + pool + ": a block names page " + page + ", which is not its own");
            }
            if (pages.priority(page) != block.stay().priority()) {
              throw new IllegalStateException(
                  "pool " + pool + ": page " + page + " has another priority than its block");
            }
          }
        }
      }
      int cached = 0;
      for (int page = 1; page < pages.total(); page++) {
        cached += pages.isCached(page) ? 1 : 0;
      }
      if (cached != named) {
        throw new IllegalStateException(
            "pool " + pool + ": blocks name " + named + " pages, " + cached + " are cached");
      }
    }
  }
}
