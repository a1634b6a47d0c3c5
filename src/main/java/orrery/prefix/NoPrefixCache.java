package orrery.prefix;

import orrery.kv.PageTable;

/** The prefix cache that is switched off: it remembers nothing. */
public final class NoPrefixCache implements PrefixCache {
  private static final class None implements Lease {}

  private final int pools;
  private final BlockBook book =
      new BlockBook() {
        @Override
        void walk(Visit visit) {}

        @Override
        Block before(Block block) {
          return null;
        }

        @Override
        Block end(Lease lease) {
          return null;
        }
      };

  /** A cache that finds nothing, for a KV cache with {@code pools} pools. */
  public NoPrefixCache(int pools) {
    this.pools = pools;
  }

  @Override
  public boolean remembers() {
    return false;
  }

  @Override
  public Match match(int[] tokens, int limit, String salt) {
    return Match.none(pools);
  }

  @Override
  public Hit acquire(int[] tokens, int limit, String salt, Retentions retentions, PageTable table) {
    return new Hit(0, new None());
  }

  @Override
  public Lease fork(Lease lease) {
    return new None();
  }

  @Override
  public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
    return 0;
  }

  @Override
  public void release(Lease lease) {}

  @Override
  public int evict(int pool, int pages) {
    return 0;
  }

  @Override
  public void clear() {}

  @Override
  public int blocks() {
    return 0;
  }

  @Override
  public BlockBook book() {
    return book;
  }

  @Override
  public void check() {}
}
