package orrery.engine;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.LongSupplier;
import orrery.kv.KvCache;
import orrery.offload.FileTier;
import orrery.offload.HostPool;
import orrery.offload.Mover;
import orrery.offload.OffloadOptions;
import orrery.offload.PageCopier;
import orrery.offload.PartLayout;
import orrery.offload.RowOrigin;
import orrery.offload.ThreadMover;
import orrery.offload.TieredCache;
import orrery.offload.WritePolicy;
import orrery.prefix.BlockCache;
import orrery.prefix.PrefixCache;

/**
 * Makes the prefix cache of an engine, with host memory behind its pages and files behind that, if
 * the options say so.
 *
 * @param wake tells the engine's thread that something has come from files, or gone there
 */
record PrefixCaches(
    KvCache kv, EngineOptions options, HostMemory memory, LongSupplier clock, Runnable wake) {
  private static final int MOST_STORES = 1024; // that wait for the mover
  private static final double GB = 1e9;

  /**
   * Begins to name the weights, on another thread. Without files no row leaves the process, and the
   * name of the directory is enough: it costs nothing.
   */
  static CompletableFuture<String> fingerprint(
      LoadedModel loaded, EngineOptions options, HostMemory memory) {
    return memory.any() && options.offload().files()
        ? CompletableFuture.supplyAsync(loaded.fingerprint()::digits)
        : CompletableFuture.completedFuture(String.valueOf(loaded.directory()));
  }

  /**
   * @param model names the weights
   */
  PrefixCache make(CompletableFuture<String> model) {
    PrefixCache pages = options.prefix().newCache(kv, clock);
    if (!memory.any()) {
      return pages;
    }
    String rows =
        RowOrigin.of(
            join(model),
            options.compute().activationDtype(),
            kv.layout(),
            kv.geometry().pageTokens());
    HostPool host = new HostPool(new PartLayout(kv.layout(), kv.geometry()), memory.slots());
    Optional<FileTier> files = Optional.empty();
    try {
      files = files(host);
      return behind((BlockCache) pages, host, files, rows);
    } catch (Throwable e) {
      files.ifPresent(FileTier::close); // first: its thread works with the host's memory
      host.close();
      throw e;
    }
  }

  private TieredCache behind(
      BlockCache pages, HostPool host, Optional<FileTier> files, String rows) {
    WritePolicy policy = options.offload().hicacheWritePolicy();
    Mover mover = new ThreadMover(new PageCopier(kv, host), MOST_STORES, clock);
    try {
      return new TieredCache(kv, pages, host, mover, policy, files, rows);
    } catch (Throwable e) {
      mover.close();
      throw e;
    }
  }

  private static String join(CompletableFuture<String> model) {
    try {
      return model.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private Optional<FileTier> files(HostPool host) {
    OffloadOptions o = options.offload();
    if (!o.files()) {
      return Optional.empty();
    }
    long limit = (long) (o.hicacheStorageSize() * GB);
    Path directory = directory(o.hicacheStorageDir());
    return Optional.of(FileTier.open(directory, limit, host, clock, wake));
  }

  private static Path directory(String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "hicache-storage-dir: expected the name of a directory, found "
              + name
              + ": "
              + e.getReason(),
          e);
    }
  }
}
