package orrery.offload;

import orrery.options.Options;

/**
 * Slower memory behind the pages of the KV cache; names and defaults are SGLang's.
 *
 * @param enableHierarchicalCache whether there is host memory for blocks that leave the pages
 * @param hicacheRatio size of host memory, as a multiple of the KV cache on the device
 * @param hicacheSize size of host memory in GB (10^9 bytes); 0: the ratio decides
 * @param hicacheWritePolicy when blocks are copied to the host
 * @param hicacheStorageBackend what lies behind host memory
 * @param hicacheStorageDir directory of the files; empty if there are none
 * @param hicacheStorageSize most GB (10^9 bytes) of the files
 * @param hicacheStoragePrefetchPolicy how long a request waits for rows from files
 * @param hicacheStoragePrefetchThreshold fewest tokens, beyond those that faster memory has, for
 *     which files are read
 */
public record OffloadOptions(
    boolean enableHierarchicalCache,
    double hicacheRatio,
    double hicacheSize,
    WritePolicy hicacheWritePolicy,
    StorageBackend hicacheStorageBackend,
    String hicacheStorageDir,
    double hicacheStorageSize,
    PrefetchPolicy hicacheStoragePrefetchPolicy,
    int hicacheStoragePrefetchThreshold) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public OffloadOptions {
    Options.check(
        hicacheRatio > 0 && hicacheRatio < Double.POSITIVE_INFINITY, // not NaN
        "hicache-ratio",
        "more than 0",
        hicacheRatio);
    Options.check(
        hicacheSize >= 0 && hicacheSize < Double.POSITIVE_INFINITY,
        "hicache-size",
        "more than 0 GB, or 0",
        hicacheSize);
    Options.check(hicacheWritePolicy != null, "hicache-write-policy", "a write policy", null);
    Options.check(hicacheStorageBackend != null, "hicache-storage-backend", "a backend", null);
    Options.check(hicacheStorageDir != null, "hicache-storage-dir", "a directory", null);
    Options.check(
        hicacheStorageSize > 0 && hicacheStorageSize < Double.POSITIVE_INFINITY,
        "hicache-storage-size",
        "more than 0 GB",
        hicacheStorageSize);
    Options.check(
        hicacheStoragePrefetchPolicy != null,
        "hicache-storage-prefetch-policy",
        "a prefetch policy",
        null);
    Options.check(
        hicacheStoragePrefetchThreshold >= 1,
        "hicache-storage-prefetch-threshold",
        "at least 1 token",
        hicacheStoragePrefetchThreshold);
  }

  /**
   * Refuses files that have no host memory before them, or no directory.
   *
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public void requirePossible() {
    if (files()) {
      Options.check(
          enableHierarchicalCache,
          "hicache-storage-backend",
          "none without enable-hierarchical-cache",
          Options.word(hicacheStorageBackend));
      Options.check(
          !hicacheStorageDir.isEmpty(),
          "hicache-storage-dir",
          "a directory for hicache-storage-backend " + Options.word(hicacheStorageBackend),
          "none");
    }
  }

  /** Whether files lie behind host memory. */
  public boolean files() {
    return hicacheStorageBackend == StorageBackend.FILE;
  }

  /** The default options. */
  public static OffloadOptions defaults() {
    return new OffloadOptions(
        false,
        2,
        0,
        WritePolicy.WRITE_THROUGH,
        StorageBackend.NONE,
        "",
        10,
        PrefetchPolicy.TIMEOUT,
        256);
  }

  public OffloadOptions withEnableHierarchicalCache(boolean enableHierarchicalCache) {
    return Options.with(this, "enableHierarchicalCache", enableHierarchicalCache);
  }

  public OffloadOptions withHicacheRatio(double hicacheRatio) {
    return Options.with(this, "hicacheRatio", hicacheRatio);
  }

  public OffloadOptions withHicacheSize(double hicacheSize) {
    return Options.with(this, "hicacheSize", hicacheSize);
  }

  public OffloadOptions withHicacheWritePolicy(WritePolicy hicacheWritePolicy) {
    return Options.with(this, "hicacheWritePolicy", hicacheWritePolicy);
  }

  public OffloadOptions withHicacheStorageBackend(StorageBackend hicacheStorageBackend) {
    return Options.with(this, "hicacheStorageBackend", hicacheStorageBackend);
  }

  public OffloadOptions withHicacheStorageDir(String hicacheStorageDir) {
    return Options.with(this, "hicacheStorageDir", hicacheStorageDir);
  }

  public OffloadOptions withHicacheStorageSize(double hicacheStorageSize) {
    return Options.with(this, "hicacheStorageSize", hicacheStorageSize);
  }

  public OffloadOptions withHicacheStoragePrefetchPolicy(
      PrefetchPolicy hicacheStoragePrefetchPolicy) {
    return Options.with(this, "hicacheStoragePrefetchPolicy", hicacheStoragePrefetchPolicy);
  }

  public OffloadOptions withHicacheStoragePrefetchThreshold(int hicacheStoragePrefetchThreshold) {
    return Options.with(this, "hicacheStoragePrefetchThreshold", hicacheStoragePrefetchThreshold);
  }

  /** These options with the files of others; without host memory they have none. */
  public OffloadOptions filesOf(OffloadOptions other) {
    return !enableHierarchicalCache
        ? this
        : withHicacheStorageBackend(other.hicacheStorageBackend)
            .withHicacheStorageDir(other.hicacheStorageDir)
            .withHicacheStorageSize(other.hicacheStorageSize)
            .withHicacheStoragePrefetchPolicy(other.hicacheStoragePrefetchPolicy)
            .withHicacheStoragePrefetchThreshold(other.hicacheStoragePrefetchThreshold);
  }

  /** The option that says how large host memory is. */
  public String sizedBy() {
    return hicacheSize > 0 ? "hicache-size" : "hicache-ratio";
  }
}
