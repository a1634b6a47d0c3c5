package orrery.prefix;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.LongBinaryOperator;
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
 * sequence holds waits in the free queue; eviction takes the front of the queue. A finished
 * sequence queues its blocks tail first. So its tail is evicted before its head, which other
 * sequences are likelier to share. In a pool with a window, eviction takes single pages, in the
 * order in which they became idle.
 */
public final class HashBlockCache extends BlockCache {
  /** Equal blocks behind equal parents. A child of one stands behind all of them. */
  private static final class Twins {
    final List<Entry> all = new ArrayList<>(); // those in the table
    int children; // blocks in the table that stand behind them
  }

  static final class Entry extends Block {
    final long hash;
    final Entry parent; // null for the first block
    final String salt;
    private final Twins twins; // this one too
    private Entry before; // in the table: the parent, or a twin of it
    int holders; // sequences that have this block in their chain

    Entry(
        KvGeometry geometry,
        int[] sequence,
        int index,
        long hash,
        Entry parent,
        String salt,
        Twins twins) {
      super(geometry, sequence, index);
      this.hash = hash;
      this.parent = parent;
      this.before = parent;
      this.salt = salt;
      this.twins = twins;
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

    /** Whether no look-up misses it: it has no page, and no block needs it to be reached. */
    boolean superfluous() {
      return empty() && (twins.children == 0 || twins.all.size() > 1);
    }
  }

  /** The blocks of a sequence, from the first on. */
  static final class Chain implements Lease {
    final String salt;
    final List<Entry> entries = new ArrayList<>();

    Chain(String salt) {
      this.salt = salt;
    }
  }

  private final LongBinaryOperator mix;
  private final Map<Long, List<Entry>> table;
  private final LinkedHashSet<Entry> free = new LinkedHashSet<>(); // the front is evicted first
  private final HashBook book;
  private int blocks;

  /** An empty prefix cache over the pages of {@code kv}. */
  public HashBlockCache(KvCache kv) {
    this(kv, (hash, token) -> (hash ^ token) * 0x9E3779B97F4A7C15L + (hash >>> 29));
  }

  /** For tests, with a hash function of their own: {@code mix} mixes one token into a hash. */
  HashBlockCache(KvCache kv, LongBinaryOperator mix) {
    this(kv, mix, new HashMap<>());
  }

  private HashBlockCache(KvCache kv, LongBinaryOperator mix, Map<Long, List<Entry>> table) {
    this(kv, mix, table, new HashBook(table.values()));
  }

  private HashBlockCache(
      KvCache kv, LongBinaryOperator mix, Map<Long, List<Entry>> table, HashBook book) {
    super(kv, book);
    this.mix = mix;
    this.table = table;
    this.book = book;
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
  public Lease hold(Walk walk, int n) {
    Row row = (Row) walk;
    Chain chain = new Chain(row.salt());
    for (Entry e : row.blocks().subList(0, n)) {
      hold(chain, e);
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
    Chain chain = new Chain(from.salt);
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
      Entry e = new Entry(kv.geometry(), tokens, b, hash, parent, chain.salt, twins);
      add(e);
      book.touched(e); // though it may keep no page
      kept.keep(e, b, table);
      hold(chain, e);
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
  }

  private void remove(Entry e) {
    List<Entry> sameHash = table.get(e.hash);
    sameHash.remove(e);
    if (sameHash.isEmpty()) {
      table.remove(e.hash);
    }
    e.twins.all.remove(e);
    if (e.parent != null) {
      e.parent.twins.children--;
    }
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
      if (--entries.get(i).holders == 0) {
        free.add(entries.get(i));
        forget(entries.get(i));
      }
    }
    entries.clear();
  }

  /**
   * Removes a superfluous block that no sequence holds. Then its parent may be the next, or the one
   * that is left of the parent's twins.
   */
  private void forget(Entry e) {
    while (e != null && e.superfluous() && free.remove(e)) {
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
    int before = kv.pool(pool).available();
    while (kv.pool(pool).available() - before < pages) {
      if (kv.geometry().needsAll(pool)) {
        remove(free.removeFirst());
      } else {
        forget((Entry) kept.dropOldest(pool));
      }
    }
    return kv.pool(pool).available() - before;
  }

  @Override
  public void clear() {
    while (!free.isEmpty()) {
      remove(free.removeFirst());
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
      if (e.holders == 0 != free.contains(e)) {
        throw new IllegalStateException(
            "a block with "
                + e.holders
                + " holders is "
                + (e.holders == 0 ? "not " : "")
                + "queued");
      }
    }
    if (all.size() != blocks) {
      throw new IllegalStateException(blocks + " blocks are booked, found " + all.size());
    }
    kept.check(all);
  }
}
