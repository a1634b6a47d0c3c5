package orrery.engine;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.offload.OffloadOptions;
import orrery.offload.PartLayout;

/**
 * The size of host memory for blocks of the KV cache, counted before any is taken. It lies outside
 * the heap, so the machine must have room for both.
 *
 * @param slots [pools] one for each part of a block, as many in each pool that has parts; all 0 if
 *     there is no host memory
 * @param bytes of all slots
 * @param blockBytes of all parts of a block
 */
record HostMemory(OffloadOptions options, int[] slots, long bytes, long blockBytes) {
  private static final double GB = 1e9;
  private static final int BOOKS = 300; // bytes of the heap for the name and the state of a part

  /**
   * The host memory that the options ask for.
   *
   * @param pages [pools] of the KV cache
   * @throws IllegalArgumentException if there is not even room for one block
   */
  static HostMemory of(EngineOptions o, KvLayout layout, KvGeometry g, long[] pages) {
    OffloadOptions options = o.offload();
    options.requirePossible();
    int[] slots = new int[pages.length];
    if (!options.enableHierarchicalCache() || !o.prefix().remembers()) {
      return new HostMemory(options, slots, 0, 0);
    }
    requireSmallBlocks(layout, g.pageTokens());
    PartLayout parts = new PartLayout(layout, g);
    long blockBytes = 0;
    double device = 0; // bytes
    for (int pool = 0; pool < pages.length; pool++) {
      blockBytes += parts.bytes(pool);
      for (int stream : parts.streams(pool)) {
        device += layout.onHost(stream) ? 0 : (double) pages[pool] * parts.streamBytes(stream);
      }
    }
    if (blockBytes == 0) {
      return new HostMemory(options, slots, 0, 0); // no hit needs any row
    }
    double asked =
        options.hicacheSize() > 0 ? options.hicacheSize() * GB : options.hicacheRatio() * device;
    int blocks = (int) Math.min(Integer.MAX_VALUE, asked / blockBytes);
    if (blocks < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: expected host memory for at least one block of %d tokens, which is %,d bytes,"
                  + " found %,.0f bytes",
              options.sizedBy(),
              g.pageTokens(),
              blockBytes,
              asked));
    }
    Arrays.setAll(slots, pool -> parts.pages(pool) > 0 ? blocks : 0);
    return new HostMemory(options, slots, Heap.times(blocks, blockBytes), blockBytes);
  }

  private static void requireSmallBlocks(KvLayout layout, int pageTokens) {
    long bytes = layout.bytesPerPage(pageTokens);
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "page-size: with enable-hierarchical-cache, expected pages of at most 2 GiB in all that"
              + " the model caches, found "
              + Heap.size(bytes));
    }
  }

  /** Whether there is any. */
  boolean any() {
    return bytes > 0;
  }

  /** Bytes of the heap that its books take. */
  long books() {
    return Heap.times(Arrays.stream(slots).asLongStream().sum(), BOOKS);
  }

  /** The option that decides how much it is, and it in words. */
  String words() {
    long blocks = blockBytes == 0 ? 0 : bytes / blockBytes;
    return String.format(Locale.ROOT, "host memory for %,d blocks of the KV cache", blocks);
  }

  /**
   * Refuses memory that the machine has not beside the heap.
   *
   * @throws IllegalArgumentException naming the option, what it asks for, and what there is
   */
  void require() {
    require(machine());
  }

  /** The same, of a machine with so many bytes. */
  void require(long machine) {
    if (Heap.plus(bytes, Heap.max()) > machine && any()) {
      throw new IllegalArgumentException(
          String.format(
              "%s: %s would take %s; the machine has %s, and up to %s of it are for the heap"
                  + " (-Xmx)",
              options.sizedBy(),
              words(),
              Heap.size(bytes),
              Heap.size(machine),
              Heap.size(Heap.max())));
    }
  }

  private static long machine() {
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getTotalMemorySize(); // of the container, if there is one
  }
}
