package orrery.prefix;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongBinaryOperator;
import java.util.function.LongSupplier;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;

/**
 * vLLM's prefix cache: a table of blocks by chained hash ({@code v1/core/block_pool.py}, "Automatic
 * Prefix Caching"). The hash of a block covers its tokens and the hash of the block before, so one
 * look-up per block finds the longest prefix; there is no tree.
 *
 * <pre>
 *   h0 = hash(salt, tokens 0..P-1)    h1 = hash(h0, tokens P..2P-1)    …    h → block → pages
 * </pre>
 *
 * <p>Hashes may collide, so a hit compares tokens. Only complete blocks enter. A block that no
 * sequence holds waits in the free queue, behind which no other block stands; eviction takes the
 * front of the queue ({@link FreeQueue}). In a pool with a window, eviction takes single pages, by
 * priority and in the order in which they became idle.
 */
public final class HashBlockCache extends BlockCache {
  /** Equal blocks behind equal parents. A child of one stands behind all of them. */
  static final class Twins {
    final List<Entry> all = new ArrayList<>(); // those in the table
    int children; // blocks in the table that stand behind them
  }

  static final class Entry extends Block {
    final long hash;
    final Entry parent; // null for the first block
    final String salt;
    final Twins twins; // this one too
    final Stay<Entry> stay;
    private Entry before; // in the table: the parent, or a twin of it
    int holders; // sequences that have this block in their chain
    long freed; // when the last of them ended; no two are equal

    Entry(
        KvGeometry geometry,
        int[] sequence,
        int index,
        long hash,
        Entry parent,
        String salt,
        Twins twins,
        Stays<Entry> stays) {
      super(geometry, sequence, index);
      this.hash = hash;
      this.parent = parent;
      this.before = parent;
      this.salt = salt;
      this.twins = twins;
      this.stay = stays.of(this);
    }

    @Override
    public Stay<Entry> stay() {
      return stay;
    }

    /** The block before this one in the table. */
    Entry before() {
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

  /** The blocks of a sequence, from the first on. */
  static final class Chain implements Lease {
    final String salt;
    final Retentions retentions;
    final List<Entry> entries = new ArrayList<>();

    Chain(String salt, Retentions retentions) {
      this.salt = salt;
      this.retentions = retentions;
    }
  }

  private final LongBinaryOperator mix;
  private final Map<Long, List<Entry>> table;
  private final FreeQueue free = new FreeQueue();
  private final Stays<Entry> stays;
  private final HashBook book;
  private int blocks;

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
    this(kv, mix, new HashMap<>(), clock);
  }

  private HashBlockCache(
      KvCache kv, LongBinaryOperator mix, Map<Long, List<Entry>> table, LongSupplier clock) {
    this(kv, mix, table, new HashBook(table.values()), clock);
  }

  private HashBlockCache(
      KvCache kv,
      LongBinaryOperator mix,
      Map<Long, List<Entry>> table,
      HashBook book,
      LongSupplier clock) {
    super(kv, book, clock);
    this.mix = mix;
    this.table = table;
    this.book = book;
    this.stays = new Stays<>(clock);
  }

  private long hash(long parent, int[] tokens, int block) {
    long h = parent;
    for (int i = block * pageTokens; i < (block + 1) * pageTokens; i++) {
      h = mix.applyAsLong(h, tokens[i]);
    }
    return h;
  }

  private static long seed(String salt) {
    return salt.hashCode();
  }

  private Entry find(long hash, Entry parent, String salt, int[] tokens, int block) {
    for (Entry e : table.getOrDefault(hash, List.of())) {
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
  private static boolean sameChain(Entry a, Entry b) {
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

  private record Row(String salt, List<Entry> blocks) implements Walk {}

  @Override
  public Walk walk(int[] tokens, int limit, String salt) {
    List<Entry> found = new ArrayList<>();
    long hash = seed(salt);
    Entry parent = null;
    for (int b = 0; b < limit / pageTokens; b++) {
      hash = hash(hash, tokens, b);
      Entry e = find(hash, parent, salt, tokens, b);
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
    for (Entry e : row.blocks().subList(0, n)) {
      hold(chain, e);
      Retention wanted = retentions.at((chain.entries.size() - 1) * pageTokens);
      if (wanted != null && !e.stay.is(wanted)) {
        retain(e, wanted);
      }
    }
    return chain;
  }

  @Override
  public List<Entry> held(Lease lease, int from, int to) {
    return List.copyOf(((Chain) lease).entries.subList(from, to));
  }

  private void hold(Chain chain, Entry e) {
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
  public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
    Chain chain = (Chain) lease;
    int before = chain.entries.size();
    while (chain.entries.size() < complete / pageTokens) {
      int b = chain.entries.size();
      Entry parent = b == 0 ? null : chain.entries.get(b - 1);
      long hash = hash(b == 0 ? seed(chain.salt) : parent.hash, tokens, b);
      // An equal block may be there already. Both stay, because a block table only ever grows.
      Entry twin = find(hash, parent, chain.salt, tokens, b);
      Twins twins = twin == null ? new Twins() : twin.twins;
      Entry e = new Entry(kv.geometry(), tokens, b, hash, parent, chain.salt, twins, stays);
      Retention wanted = chain.retentions.at(b * pageTokens);
      if (wanted != null) {
        stays.set(e.stay, wanted);
      }
      hold(chain, e);
      add(e);
      book.touched(e); // though it may keep no page
      kept.keep(e, b, table);
    }
    return chain.entries.size() - before;
  }

  private void add(Entry e) {
    table.computeIfAbsent(e.hash, h -> new ArrayList<>()).addFirst(e);
    e.twins.all.add(e);
    if (e.parent != null) {
      e.parent.twins.children++;
    }
    blocks++;
    if (e.twins.all.size() == 2) {
      free.settle(e.twins); // each will do
    }
  }

  private void retain(Entry e, Retention retention) {
    boolean queued = free.remove(e);
    stays.set(e.stay, retention);
    kept.retained(e);
    if (queued) {
      free.add(e);
    }
  }

  /** Takes a block out of the table; it is not in the queue any more. */
  private void remove(Entry e) {
    List<Entry> sameHash = table.get(e.hash);
    sameHash.remove(e);
    if (sameHash.isEmpty()) {
      table.remove(e.hash);
    }
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
    blocks--;
    kept.drop(e);
    if (e.twins.children > 0) {
      book.orphaned();
    }
  }

  @Override
  public void release(Lease lease) {
    List<Entry> entries = ((Chain) lease).entries;
    for (int i = entries.size() - 1; i >= 0; i--) {
      Entry e = entries.get(i);
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
  private void forget(Entry e) {
    while (e != null && e.empty() && free.remove(e)) {
      remove(e);
      List<Entry> parents = e.parent == null ? List.of() : e.parent.twins.all;
      e = parents.isEmpty() ? null : parents.getFirst();
    }
  }

  @Override
  public int evict(int pool, int pages) {
    if (kv.pool(pool).idle() < pages) {
      return 0;
    }
    for (Entry due = stays.due(); due != null; due = stays.due()) {
      retain(due, Retention.DEFAULT);
    }
    int before = kv.pool(pool).available();
    while (kv.pool(pool).available() - before < pages) {
      if (kv.geometry().needsAll(pool)) {
        remove(free.take());
      } else {
        forget((Entry) kept.dropFirst(pool));
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
    return blocks;
  }

  @Override
  public BlockBook book() {
    return book;
  }

  @Override
  public void check() {
    List<Entry> all = table.values().stream().flatMap(List::stream).toList();
    for (Entry e : all) {
      boolean waits = e.holders == 0 && e.last();
      if (waits != free.contains(e)) {
        throw new IllegalStateException(
            "a block with "
                + e.holders
                + " holders and "
                + e.twins.children
                + " blocks behind it is "
                + (waits ? "not " : "")
                + "queued");
      }
    }
    if (all.size() != blocks) {
      throw new IllegalStateException(blocks + " blocks are booked, found " + all.size());
    }
    kept.check(all);
  }
}
