package orrery.offload;

import orrery.options.Options;

/**
 * Slower memory behind the pages of the KV cache; names and defaults are SGLang's.
 *
 * @param enableHierarchicalCache whether there is host memory for blocks that leave the pages
 * @param hicacheRatio size of host memory, as a multiple of the KV cache
 * @param hicacheSize size of host memory in GB (10^9 bytes); 0: the ratio decides
 * @param hicacheWritePolicy when blocks are copied to the host
 */
public record OffloadOptions(
    boolean enableHierarchicalCache,
    double hicacheRatio,
    double hicacheSize,
    WritePolicy hicacheWritePolicy) {
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
  }

  /** The default options. */
  public static OffloadOptions defaults() {
    return new OffloadOptions(false, 2, 0, WritePolicy.WRITE_THROUGH);
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

  /** The option that says how large host memory is. */
  public String sizedBy() {
    return hicacheSize > 0 ? "hicache-size" : "hicache-ratio";
  }
}
