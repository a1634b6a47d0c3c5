package orrery.offload;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import orrery.events.Event;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.prefix.Block;
import orrery.prefix.BlockBook;
import orrery.prefix.BlockCache;
import orrery.prefix.Hits;
import orrery.prefix.PrefixCache;
import orrery.prefix.Retention;
import orrery.prefix.Retentions;

/**
 * A prefix cache with host memory behind its pages, and perhaps files behind that. It decorates any
 * cache over pages; what these evict it may still find on the host, by name, and loads it into new
 * pages.
 *
 * <p>Two ways are known. SGLang's tree has the nodes of all tiers ({@code mem_cache/
 * hiradix_cache.py}); vLLM's offloading connector and LMCache keep a table beside the cache, by
 * hash. This is the second: one place for it, whatever finds the pages.
 */
public final class TieredCache implements PrefixCache {
  private static final int MOST_KEYS = 4096; // remembered: about a MB

  /** A hold on the cache over pages, and what the next blocks are called. */
  private static final class Hold implements Lease {
    final Lease inPages;
    BlockKey last; // of the blocks that this lease has in pages
    int blocks; // how many
    int lacked; // blocks from the first on that lacked pages, which their insert fills

    Hold(Lease inPages, BlockKey last, int blocks) {
      this.inPages = inPages;
      this.last = last;
      this.blocks = blocks;
    }

    @Override
    public Lease inPages() {
      return inPages;
    }
  }

  private final KvCache kv;
  private final BlockCache device;
  private final HostPool pool;
  private final PartLayout layout;
  private final HostIndex host;
  private final Mover mover;
  private final TierReport report;
  private final Stores stores;
  private final Loads loads;
  private final Optional<Storage> storage;
  private final Hits hits;
  private final BlockKeys keys;
  private final int pageTokens;

  /** A cache with host memory and no files, as below. */
  public TieredCache(
      KvCache kv, BlockCache device, HostPool pool, Mover mover, WritePolicy policy, String rows) {
    this(kv, device, pool, mover, policy, Optional.empty(), rows);
  }

  /**
   * @param device finds what is in the pages of {@code kv}
   * @param pool host memory; this cache closes it
   * @param mover between these two; this cache closes it
   * @param files behind host memory, if there are some; this cache closes them
   * @param rows all that a row depends on beside tokens and salt, as in {@link BlockKey#root}
   */
  public TieredCache(
      KvCache kv,
      BlockCache device,
      HostPool pool,
      Mover mover,
      WritePolicy policy,
      Optional<FileTier> files,
      String rows) {
    this.kv = kv;
    this.device = device;
    this.pool = pool;
    this.layout = pool.layout();
    this.host = new HostIndex(pool, device.clock());
    this.mover = mover;
    this.report = new TierReport(kv.geometry(), pool, host, files.map(FileTier::epoch).orElse(0L));
    this.storage = files.map(f -> new Storage(f, layout, host, policy, report));
    this.stores =
        new Stores(
            layout, host, mover, policy, report, part -> storage.ifPresent(s -> s.stored(part)));
    this.loads = new Loads(kv, layout, host, mover, report);
    this.hits = new Hits(kv);
    this.keys = new BlockKeys(rows, MOST_KEYS);
    this.pageTokens = kv.geometry().pageTokens();
    device.watch(stores);
  }

  /** The blocks that pages and host memory have together. */
  private Lookup look(int[] tokens, int limit, String salt) {
    return look(tokens, limit, salt, this::onHost);
  }

  private Lookup look(int[] tokens, int limit, String salt, Predicate<Part> has) {
    BlockCache.Walk walk = device.walk(tokens, limit, salt);
    return new Lookup(kv.geometry(), layout, stores, has, walk, keys, tokens, limit, salt);
  }

  @Override
  public boolean remembers() {
    return device.remembers();
  }

  @Override
  public Match match(int[] tokens, int limit, String salt) {
    Lookup found = look(tokens, limit, salt);
    return hits.match(found.found(), found);
  }

  @Override
  public Hit acquire(int[] tokens, int limit, String salt, Retentions retentions, PageTable table) {
    Lookup found = look(tokens, limit, salt);
    int n = hits.usable(found.found(), found);
    hits.fill(table, n, found);
    int held = Math.min(n, found.walked());
    BlockKey last = held == 0 ? keys.root(salt) : found.key(held - 1);
    Hold hold = new Hold(device.hold(found.walk(), held, kept(found, n, retentions)), last, held);
    int lacking = 0; // pages
    int blocks = 0; // that lack some
    for (int block = n - 1; block >= 0; block--) { // the head is used last: it is evicted last
      int before = lacking;
      for (int of = 0; of < layout.pools(); of++) {
        lacking += loads.add(found, block, of, table);
        host.touch(new Part(found.key(block), of));
      }
      if (lacking > before) {
        blocks++;
        hold.lacked = Math.max(hold.lacked, Math.min(held, block + 1));
      }
    }
    found.walk().blocks().subList(0, held).forEach(stores::used);
    return new Hit(n * pageTokens, hold, lacking, blocks * pageTokens);
  }

  /**
   * What a sequence says about its blocks; about those that are on the host alone, and of which it
   * says nothing, what was said before.
   *
   * @param n blocks of the hit
   */
  private Retentions kept(Lookup found, int n, Retentions retentions) {
    Retention[] before = new Retention[n]; // [blocks] null: nothing
    boolean any = false;
    for (int block = found.walked(); block < n; block++) {
      for (int of = 0; of < layout.pools() && before[block] == null; of++) {
        before[block] = host.left(new Part(found.key(block), of));
        any |= before[block] != null;
      }
    }
    if (!any) {
      return retentions;
    }
    return token -> {
      Retention said = retentions.at(token);
      int block = token / pageTokens;
      return said == null && block < before.length ? before[block] : said;
    };
  }

  @Override
  public Optional<PrefixCache.Fetch> fetch(int[] tokens, int limit, String salt, int threshold) {
    settle();
    return storage.flatMap(s -> fetch(s, tokens, limit, salt, threshold));
  }

  private Optional<PrefixCache.Fetch> fetch(
      Storage from, int[] tokens, int limit, String salt, int threshold) {
    Lookup found = look(tokens, limit, salt);
    int n = hits.usable(found.found(), found) * pageTokens;
    if (limit - n < threshold) {
      return Optional.empty();
    }
    Lookup reach = look(tokens, limit, salt, from::reaches);
    int most = hits.usable(reach.found(), reach);
    int more = most * pageTokens - n;
    return more < threshold ? Optional.empty() : from.fetch(reach, most, more);
  }

  @Override
  public boolean hasTiers() {
    return true;
  }

  @Override
  public int lacking(int of) {
    return loads.lacking(of);
  }

  @Override
  public Arrival load() {
    settle();
    Arrival arrival = loads.begin();
    stores.begin();
    return arrival;
  }

  @Override
  public Lease fork(Lease lease) {
    Hold from = (Hold) lease;
    Hold fork = new Hold(device.fork(from.inPages), from.last, from.blocks);
    fork.lacked = from.lacked;
    return fork;
  }

  @Override
  public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
    settle();
    Hold hold = (Hold) lease;
    device.complete(hold.inPages, 0, hold.lacked, table);
    hold.lacked = 0;
    int added = device.insert(hold.inPages, tokens, complete, table);
    int whole = complete / pageTokens;
    if (whole > hold.blocks) {
      for (Block block : device.held(hold.inPages, hold.blocks, whole)) {
        int from = hold.blocks * pageTokens;
        hold.last = keys.next(hold.last, tokens, from, from + pageTokens);
        hold.blocks++;
        stores.entered(block, hold.last);
      }
    }
    return added;
  }

  @Override
  public void release(Lease lease) {
    Hold hold = (Hold) lease;
    for (Block block : device.held(hold.inPages, 0, hold.blocks).reversed()) {
      for (int of = 0; of < layout.pools(); of++) {
        host.touch(new Part(stores.key(block), of));
      }
    }
    device.release(hold.inPages);
  }

  /** What is evicted is copied to the host before, if the policy wants it there. */
  @Override
  public int evict(int of, int pages) {
    settle();
    return device.evict(of, pages);
  }

  /** Empties the pages and host memory. */
  @Override
  public void clear() {
    stores.forget(device::clear);
    settle();
    stores.clearHost();
  }

  @Override
  public int blocks() {
    return device.blocks();
  }

  @Override
  public BlockBook book() {
    return device.book();
  }

  @Override
  public List<Event.Tiers> tiers(long nanos) {
    settle();
    return report.events(nanos);
  }

  /** Whether host memory has the whole part. */
  public boolean onHost(Part part) {
    return host.whole(part) != null;
  }

  /** Parts that have a host slot, whole or on their way. */
  public int hostParts() {
    int parts = 0;
    for (int of = 0; of < layout.pools(); of++) {
      parts += host.count(of);
    }
    return parts;
  }

  /** Takes note of the copies, reads and writes that have ended. */
  @Override
  public void settle() {
    mover.settled(
        copy -> {
          if (copy.way() == Copy.Way.STORE) {
            stores.ended(copy);
          } else {
            loads.ended(copy);
          }
        });
    storage.ifPresent(Storage::settle);
  }

  @Override
  public void rest() {
    if (storage.isPresent()) { // what is only in pages would not outlive the process
      stores.finishAll();
      settle();
    }
  }

  @Override
  public boolean drain() {
    settle();
    storage.ifPresent(Storage::saveAll);
    storage.ifPresent(Storage::close);
    settle();
    return storage.isPresent();
  }

  @Override
  public void check() {
    device.check();
    host.check();
    loads.check(storage.map(Storage::writing).orElse(0));
    storage.ifPresent(Storage::check);
    stores.check();
    if (stores.blocks() != device.blocks()) {
      throw new IllegalStateException(
          "the cache over pages has "
              + device.blocks()
              + " blocks, "
              + stores.blocks()
              + " have a name");
    }
  }

  /** Ends the mover and the disk's thread, and frees host memory. */
  @Override
  public void close() {
    try {
      mover.close();
    } finally {
      try {
        storage.ifPresent(Storage::close);
      } finally {
        pool.close();
      }
    }
  }
}
