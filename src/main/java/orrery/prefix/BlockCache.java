package orrery.prefix;

import java.util.List;
import java.util.function.LongSupplier;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * What the prefix caches over pages have in common: a look-up walks over blocks, {@link Hits} says
 * where the hit ends, and a lease holds its blocks.
 *
 * <p>These three steps stand apart so that a slower memory can be put behind the pages ({@code
 * offload}): it looks on where the walk ends, takes part in the decision where a hit ends, and is
 * told before a page goes ({@link Leaving}).
 */
public abstract class BlockCache implements PrefixCache {
  /** The blocks that a look-up found, from the first of the sequence on. */
  public interface Walk {
    List<? extends Block> blocks();
  }

  /** Is told what leaves a cache. */
  public interface Leaving {
    /** The cache is about to let page {@code i} of a block go; it still has its rows. */
    void page(Block block, int pool, int i);

    /** A block left the cache, after its pages. */
    void block(Block block);

    /** A block has another {@link Block#stay} now, or its time has begun. */
    void retained(Block block);
  }

  final KvCache kv;
  final int pageTokens;
  final KeptPages kept;
  private final LongSupplier clock;
  private final Hits hits;

  BlockCache(KvCache kv, BlockBook book, LongSupplier clock) {
    this.clock = clock;
    this.kv = kv;
    this.pageTokens = kv.geometry().pageTokens();
    this.kept = new KeptPages(kv, book);
    this.hits = new Hits(kv);
  }

  /** Finds the longest run of blocks among the first {@code limit} tokens; changes nothing. */
  public abstract Walk walk(int[] tokens, int limit, String salt);

  /**
   * Makes a lease of the first {@code n} blocks that a look-up found just now.
   *
   * @param retentions what the sequence says about these blocks and those to come
   */
  public abstract Lease hold(Walk walk, int n, Retentions retentions);

  /** The blocks [from, to) of a lease. */
  public abstract List<? extends Block> held(Lease lease, int from, int to);

  /**
   * Gives the blocks [from, to) of a lease the pages that they lack and the sequence has, with all
   * rows written.
   */
  public final void complete(Lease lease, int from, int to, PageTable table) {
    int index = from;
    for (Block block : held(lease, from, to)) {
      kept.keep(block, index++, table);
    }
  }

  /** Nanoseconds, by which retentions end. */
  public final LongSupplier clock() {
    return clock;
  }

  /** From now on, says what leaves. */
  public final void watch(Leaving leaving) {
    kept.watch(leaving);
  }

  @Override
  public final Match match(int[] tokens, int limit, String salt) {
    List<? extends Block> found = walk(tokens, limit, salt).blocks();
    return hits.match(found.size(), Hits.of(found));
  }

  @Override
  public final Hit acquire(
      int[] tokens, int limit, String salt, Retentions retentions, PageTable table) {
    Walk walk = walk(tokens, limit, salt);
    Hits.Pages pages = Hits.of(walk.blocks());
    int n = hits.usable(walk.blocks().size(), pages);
    hits.fill(table, n, pages);
    return new Hit(n * pageTokens, hold(walk, n, retentions));
  }
}
