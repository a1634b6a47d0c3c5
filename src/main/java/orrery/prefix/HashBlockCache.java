package orrery.prefix;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongBinaryOperator;
import java.util.function.LongSupplier;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.prefix.HashBlock.Twins;

/**
 * vLLM's prefix cache: a table of blocks by chained hash ({@link BlockTable}; {@code
 * v1/core/block_pool.py}, "Automatic Prefix Caching"). One look-up per block finds the longest
 * prefix; there is no tree.
 *
 * <p>Only complete blocks enter. A block that no sequence holds waits in the free queue, behind
 * which no other block stands; eviction takes the front of the queue ({@link FreeQueue}). In a pool
 * with a window, eviction takes single pages, by priority and in the order in which they became
 * idle.
 */
public final class HashBlockCache extends BlockCache {
  /** The blocks of a sequence, from the first on. */
  static final class Chain implements Lease {
    final String salt;
    final Retentions retentions;
    final List<HashBlock> entries = new ArrayList<>();

    Chain(String salt, Retentions retentions) {
      this.salt = salt;
      this.retentions = retentions;
    }
  }

  private final BlockTable table;
  private final FreeQueue free = new FreeQueue();
  private final Stays<HashBlock> stays;
  private final HashBook book;

  /** An empty prefix cache over the pages of {@code kv}. */
  public HashBlockCache(KvCache kv) {
    this(kv, System::nanoTime);
  }

  /**
   * An empty prefix cache over the pages of {@code kv}.
   *
   * @param clock nanoseconds, by which retentions end
   */
  public HashBlockCache(KvCache kv, LongSupplier clock) {
    this(kv, (hash, token) -> (hash ^ token) * 0x9E3779B97F4A7C15L + (hash >>> 29), clock);
  }

  /** For tests, with a hash function of their own: {@code mix} mixes one token into a hash. */
  HashBlockCache(KvCache kv, LongBinaryOperator mix, LongSupplier clock) {
    BlockTable blocks = new BlockTable(kv.geometry().pageTokens(), mix);
    HashBook books = new HashBook(blocks);
    super(kv, books, clock);
    this.table = blocks;
    this.book = books;
    this.stays = new Stays<>(clock);
  }

  private record Row(String salt, List<HashBlock> blocks) implements Walk {}

  @Override
  public Walk walk(int[] tokens, int limit, String salt) {
    List<HashBlock> found = new ArrayList<>();
    HashBlock parent = null;
    for (int b = 0; b < limit / pageTokens; b++) {
      HashBlock e = table.find(table.hash(salt, parent, tokens, b), parent, salt, tokens, b);
      if (e == null) {
        break;
      }
      found.add(e);
      parent = e;
    }
    return new Row(salt, found);
  }

  @Override
  public Lease hold(Walk walk, int n, Retentions retentions) {
    Row row = (Row) walk;
    Chain chain = new Chain(row.salt(), retentions);
    for (HashBlock e : row.blocks().subList(0, n)) {
      hold(chain, e);
      Retention wanted = retentions.at((chain.entries.size() - 1) * pageTokens);
      if (wanted != null && !e.stay.is(wanted)) {
        retain(e, wanted);
      }
    }
    return chain;
  }

  @Override
  public List<HashBlock> held(Lease lease, int from, int to) {
    return List.copyOf(((Chain) lease).entries.subList(from, to));
  }

  private void hold(Chain chain, HashBlock e) {
    e.holders++;
    free.remove(e);
    chain.entries.add(e);
  }

  @Override
  public Lease fork(Lease lease) {
    Chain from = (Chain) lease;
    Chain chain = new Chain(from.salt, from.retentions);
    for (int i = 0; i < from.entries.size(); i++) {
      hold(chain, from.entries.get(i));
    }
    return chain;
  }

  @Override
  public int insert(Lease lease, int[] tokens, int complete, PageTable pages) {
    Chain chain = (Chain) lease;
    int before = chain.entries.size();
    while (chain.entries.size() < complete / pageTokens) {
      int b = chain.entries.size();
      HashBlock parent = b == 0 ? null : chain.entries.get(b - 1);
      long hash = table.hash(chain.salt, parent, tokens, b);
      // An equal block may be there already. Both stay, because a block table only ever grows.
      HashBlock twin = table.find(hash, parent, chain.salt, tokens, b);
      Twins twins = twin == null ? new Twins() : twin.twins;
      HashBlock e = new HashBlock(kv.geometry(), tokens, b, hash, parent, chain.salt, twins, stays);
      Retention wanted = chain.retentions.at(b * pageTokens);
      if (wanted != null) {
        stays.set(e.stay, wanted);
      }
      hold(chain, e);
      add(e);
      book.touched(e); // though it may keep no page
      kept.keep(e, b, pages);
    }
    return chain.entries.size() - before;
  }

  private void add(HashBlock e) {
    table.add(e);
    e.twins.all.add(e);
    if (e.parent != null) {
      e.parent.twins.children++;
    }
    if (e.twins.all.size() == 2) {
      free.settle(e.twins); // each will do
    }
  }

  private void retain(HashBlock e, Retention retention) {
    boolean queued = free.remove(e);
    stays.set(e.stay, retention);
    kept.retained(e);
    if (queued) {
      free.add(e);
    }
  }

  /** Takes a block out of the table; it is not in the queue any more. */
  private void remove(HashBlock e) {
    table.remove(e);
    e.twins.all.remove(e);
    if (e.parent != null) {
      e.parent.twins.children--;
      if (e.parent.twins.children == 0) {
        free.settle(e.parent.twins); // none is needed any more
      }
    }
    if (e.twins.all.size() == 1) {
      free.settle(e.twins); // that one is
    }
    stays.gone(e.stay);
    kept.drop(e);
    if (e.twins.children > 0) {
      book.orphaned();
    }
  }

  @Override
  public void release(Lease lease) {
    List<HashBlock> entries = ((Chain) lease).entries;
    for (int i = entries.size() - 1; i >= 0; i--) {
      HashBlock e = entries.get(i);
      if (--e.holders == 0) {
        if (stays.begin(e.stay)) {
          kept.retained(e);
        }
        free.freed(e);
        forget(e);
      }
    }
    entries.clear();
  }

  /**
   * Removes a queued block that has no page left. Then its parent may be the next, or the one that
   * is left of the parent's twins.
   */
  private void forget(HashBlock e) {
    while (e != null && e.empty() && free.remove(e)) {
      remove(e);
      List<HashBlock> parents = e.parent == null ? List.of() : e.parent.twins.all;
      e = parents.isEmpty() ? null : parents.getFirst();
    }
  }

  @Override
  public int evict(int pool, int pages) {
    if (kv.pool(pool).idle() < pages) {
      return 0;
    }
    for (HashBlock due = stays.due(); due != null; due = stays.due()) {
      retain(due, Retention.DEFAULT);
    }
    int before = kv.pool(pool).available();
    while (kv.pool(pool).available() - before < pages) {
      if (kv.geometry().needsAll(pool)) {
        remove(free.take());
      } else {
        forget((HashBlock) kept.dropFirst(pool));
      }
    }
    return kv.pool(pool).available() - before;
  }

  @Override
  public void clear() {
    while (!free.isEmpty()) {
      remove(free.take());
    }
  }

  @Override
  public int blocks() {
    return table.size();
  }

  @Override
  public BlockBook book() {
    return book;
  }

  @Override
  public void check() {
    List<HashBlock> all = table.all();
    for (HashBlock e : all) {
      boolean waits = e.holders == 0 && e.last();
      if (waits != free.contains(e)) {
        throw new IllegalStateException(
            "a block with "
                + e.holders
                + " holders and "
                + e.twins.children
                + " blocks after it is "
                + (waits ? "not " : "")
                + "queued");
      }
    }
    if (all.size() != table.size()) {
      throw new IllegalStateException(table.size() + " blocks are booked, found " + all.size());
    }
    kept.check(all);
  }
}
