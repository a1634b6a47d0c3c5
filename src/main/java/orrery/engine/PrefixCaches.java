package orrery.engine;

import java.util.function.LongSupplier;
import orrery.graph.ActivationDtype;
import orrery.kv.KvCache;
import orrery.kv.Stream;
import orrery.offload.HostPool;
import orrery.offload.Mover;
import orrery.offload.PageCopier;
import orrery.offload.PartLayout;
import orrery.offload.ThreadMover;
import orrery.offload.TieredCache;
import orrery.prefix.BlockCache;
import orrery.prefix.PrefixCache;

/** Makes the prefix cache of an engine, with host memory behind its pages if the options say so. */
final class PrefixCaches {
  private static final String FORMAT = "orrery kv 1"; // of rows, beside what is named below
  private static final int MOST_STORES = 1024; // that wait for the mover

  private PrefixCaches() {}

  /**
   * @param model names the weights
   */
  static PrefixCache of(
      KvCache kv, EngineOptions o, HostMemory memory, String model, LongSupplier clock) {
    PrefixCache pages = o.prefix().newCache(kv, clock);
    if (!memory.any()) {
      return pages;
    }
    HostPool host = new HostPool(new PartLayout(kv.layout(), kv.geometry()), memory.slots());
    return new TieredCache(
        kv,
        (BlockCache) pages,
        host,
        mover(kv, host, clock),
        o.offload().hicacheWritePolicy(),
        rows(kv, o.compute().activationDtype(), model));
  }

  /** Who copies between pages and host memory. */
  private static Mover mover(KvCache kv, HostPool host, LongSupplier clock) {
    return new ThreadMover(new PageCopier(kv, host), MOST_STORES, clock);
  }

  /** All that a row depends on beside the tokens before it and the salt. */
  static String rows(KvCache kv, ActivationDtype activations, String model) {
    StringBuilder rows = new StringBuilder(FORMAT);
    rows.append("\nmodel ").append(model);
    rows.append("\nactivations ").append(activations);
    rows.append("\npage ").append(kv.geometry().pageTokens());
    for (Stream s : kv.layout().streams()) {
      rows.append("\n").append(s); // name, width, tokens of a row, keeps, needs, format
    }
    return rows.toString();
  }
}
