package orrery.offload;

import java.util.List;
import java.util.Optional;
import orrery.events.Event;
import orrery.kv.KvCache;
import orrery.prefix.BlockCache;

/**
 * What stands behind the pages: host memory, and perhaps files behind that; and who moves parts
 * between them. {@link TieredCache} says what is wanted of it.
 */
final class SlowerMemory implements AutoCloseable {
  private final HostPool pool;
  private final HostIndex host;
  private final Mover mover;
  private final TierReport report;
  private final Stores stores;
  private final Loads loads;
  private final Lookups lookups;
  private final Optional<Storage> storage;

  /**
   * @param rows as in {@link BlockKey#root}
   */
  SlowerMemory(
      KvCache kv,
      BlockCache device,
      HostPool pool,
      Mover mover,
      WritePolicy policy,
      Optional<FileTier> files,
      String rows) {
    PartLayout layout = pool.layout();
    this.pool = pool;
    this.host = new HostIndex(pool, device.clock());
    this.mover = mover;
    this.report = new TierReport(kv.geometry(), pool, host, files.map(FileTier::epoch).orElse(0L));
    this.stores = new Stores(layout, host, mover, policy, report, this::whole);
    this.loads = new Loads(kv, layout, host, mover, report);
    this.lookups = new Lookups(kv, device, layout, host, stores, rows);
    this.storage =
        files.map(f -> new Storage(f, pool, host, lookups, policy, report, device.clock()));
  }

  /** A part came to lie on the host. */
  private void whole(HostPart part) {
    storage.ifPresent(files -> files.stored(part));
  }

  HostIndex host() {
    return host;
  }

  /** The way down. */
  Stores stores() {
    return stores;
  }

  /** The way up. */
  Loads loads() {
    return loads;
  }

  Lookups lookups() {
    return lookups;
  }

  /** Files, if there are some. */
  Optional<Storage> storage() {
    return storage;
  }

  /** A hit has a part, in pages or on the host. */
  void used(Part part) {
    host.touch(part);
    if (pool.layout().pages(part.pool()) > 0) {
      storage.ifPresent(files -> files.used(part));
    }
  }

  /** Takes note of the copies, reads and writes that have ended. */
  void settle() {
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

  /** Empties host memory; files stay. */
  void clear() {
    settle();
    storage.ifPresent(Storage::flush);
    stores.clearHost();
  }

  /** Saves what would not outlive the process: what is only in pages. */
  void rest() {
    if (storage.isPresent()) {
      stores.finishAll();
      settle();
    }
  }

  /** Waits until all is saved, and ends the disk's thread; returns whether there are files. */
  boolean drain() {
    settle();
    storage.ifPresent(Storage::saveAll);
    storage.ifPresent(Storage::close);
    settle();
    return storage.isPresent();
  }

  /** What moved since the last call, and how the slots stand. */
  List<Event.Tiers> tiers(long nanos) {
    settle();
    return report.events(nanos);
  }

  /** Parts that have a host slot, whole or on their way. */
  int parts() {
    int parts = 0;
    for (int of = 0; of < pool.layout().pools(); of++) {
      parts += host.count(of);
    }
    return parts;
  }

  /**
   * Recounts everything.
   *
   * @param blocks of the cache over pages
   * @throws IllegalStateException if the books do not balance
   */
  void check(int blocks) {
    host.check();
    loads.check(storage.map(Storage::readers).orElse(0));
    storage.ifPresent(Storage::check);
    stores.check();
    if (stores.blocks() != blocks) {
      throw new IllegalStateException(
          "the cache over pages has " + blocks + " blocks, " + stores.blocks() + " have a name");
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
