package orrery.offload;

import java.util.List;
import java.util.Optional;
import orrery.events.Event;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.prefix.Block;
import orrery.prefix.BlockBook;
import orrery.prefix.BlockCache;
import orrery.prefix.PrefixCache;
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
  private final BlockCache device;
  private final SlowerMemory slower;
  private final HostIndex host;
  private final Stores stores;
  private final Loads loads;
  private final Lookups lookups;
  private final BlockKeys keys;
  private final PartLayout layout;
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
    this.device = device;
    this.slower = new SlowerMemory(kv, device, pool, mover, policy, files, rows);
    this.host = slower.host();
    this.stores = slower.stores();
    this.loads = slower.loads();
    this.lookups = slower.lookups();
    this.keys = lookups.keys();
    this.layout = pool.layout();
    this.pageTokens = kv.geometry().pageTokens();
    device.watch(stores);
  }

  @Override
  public boolean remembers() {
    return device.remembers();
  }

  @Override
  public Match match(int[] tokens, int limit, String salt) {
    return lookups.match(lookups.inMemory(new Prefix(tokens, limit, salt)));
  }

  @Override
  public Hit acquire(int[] tokens, int limit, String salt, Retentions retentions, PageTable table) {
    Lookup found = lookups.inMemory(new Prefix(tokens, limit, salt));
    int n = lookups.usable(found);
    lookups.fill(table, n, found);
    int held = Math.min(n, found.walked());
    BlockKey last = held == 0 ? keys.root(salt) : found.key(held - 1);
    Retentions kept = new EarlierRetentions(host, layout, found, n, pageTokens).under(retentions);
    TieredLease hold = new TieredLease(device.hold(found.walk(), held, kept), last, held);
    int lacking = 0; // pages
    int blocks = 0; // that lack some
    for (int block = n - 1; block >= 0; block--) { // the head is used last: it is evicted last
      int before = lacking;
      for (int of = 0; of < layout.pools(); of++) {
        lacking += loads.add(found, block, of, table);
        slower.used(new Part(found.key(block), of));
      }
      if (lacking > before) {
        blocks++;
        hold.lacked = Math.max(hold.lacked, Math.min(held, block + 1));
      }
    }
    found.walk().blocks().subList(0, held).forEach(stores::used);
    return new Hit(n * pageTokens, hold, lacking, blocks * pageTokens);
  }

  @Override
  public Optional<PrefixCache.Fetch> fetch(int[] tokens, int limit, String salt, int threshold) {
    settle();
    Prefix prefix = new Prefix(tokens, limit, salt);
    return slower.storage().flatMap(files -> files.fetch(prefix, threshold));
  }

  @Override
  public boolean hasTiers() {
    return true;
  }

  @Override
  public long losses() {
    return host.losses();
  }

  @Override
  public boolean owes() {
    return slower.storage().map(Storage::owes).orElse(false);
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
    TieredLease from = (TieredLease) lease;
    return from.fork(device.fork(from.inPages));
  }

  @Override
  public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
    settle();
    TieredLease hold = (TieredLease) lease;
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
    TieredLease hold = (TieredLease) lease;
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
    slower.clear();
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
    return slower.tiers(nanos);
  }

  /** Whether host memory has the whole part. */
  public boolean onHost(Part part) {
    return host.whole(part) != null;
  }

  /** Parts that have a host slot, whole or on their way. */
  public int hostParts() {
    return slower.parts();
  }

  @Override
  public void settle() {
    slower.settle();
  }

  @Override
  public void rest() {
    slower.rest();
  }

  @Override
  public boolean drain() {
    return slower.drain();
  }

  @Override
  public void check() {
    device.check();
    slower.check(device.blocks());
  }

  @Override
  public void close() {
    slower.close();
  }
}
