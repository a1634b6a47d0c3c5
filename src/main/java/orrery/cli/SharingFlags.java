package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.offload.OffloadOptions;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache;
import picocli.CommandLine.Option;

/**
 * The flags for what several requests share: the beginnings of their prompts, and the queue. A
 * single request shares nothing.
 */
final class SharingFlags {
  static final String HEADING = "%nEngine, what requests share:%n";
  static final String LPM = "--lpm";
  static final String PREFIX_CACHE = "--prefix-cache";
  static final String EVICTION = "--radix-eviction-policy";

  static final String HICACHE = "--enable-hierarchical-cache";
  static final String RATIO = "--hicache-ratio";
  static final String SIZE = "--hicache-size";
  static final String WRITE_POLICY = "--hicache-write-policy";

  @Option(
      names = PREFIX_CACHE,
      paramLabel = "WHICH",
      converter = CacheName.class,
      description = "off, radix (SGLang's tree) or hash (vLLM's blocks). Default: radix")
  private PrefixCacheKind prefix = PrefixCacheKind.RADIX;

  @Option(
      names = EVICTION,
      paramLabel = "WHICH",
      converter = EvictionName.class,
      description = "With radix: lru, lfu or fifo. Default: lru")
  private RadixCache.Eviction eviction = RadixCache.Eviction.LRU;

  @Option(
      names = HICACHE,
      description =
          "With a prefix cache: blocks that must leave the KV cache stay in host memory, outside"
              + " the Java heap")
  private boolean hierarchical;

  @Option(
      names = RATIO,
      paramLabel = "R",
      description = "Size of host memory, as a multiple of the KV cache. Default: ${DEFAULT-VALUE}")
  private double ratio = OffloadOptions.defaults().hicacheRatio();

  @Option(
      names = SIZE,
      paramLabel = "GB",
      description = "Size of host memory in GB (10^9 bytes). Default: " + RATIO + " decides")
  private double size;

  @Option(
      names = WRITE_POLICY,
      paramLabel = "WHEN",
      converter = WritePolicyName.class,
      description =
          "When blocks are copied to host memory: write-through (once computed),"
              + " write-through-selective (when a second request has them) or write-back (when they"
              + " leave). Default: write-through")
  private WritePolicy writePolicy = WritePolicy.WRITE_THROUGH;

  @Option(
      names = LPM,
      description =
          "With sglang and a prefix cache: longest prefix match first instead of first come, first"
              + " served")
  private boolean lpm;

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options
        .withBatching(b -> b.withLpm(lpm))
        .withPrefix(p -> p.withPrefixCache(prefix).withRadixEvictionPolicy(eviction))
        .withOffload(
            o ->
                o.withEnableHierarchicalCache(hierarchical)
                    .withHicacheRatio(ratio)
                    .withHicacheSize(size)
                    .withHicacheWritePolicy(writePolicy));
  }

  /** The prefix caches, as users write them. */
  static final class CacheName extends EnumWord<PrefixCacheKind> {
    CacheName() {
      super(PrefixCacheKind.class);
    }
  }

  /** The write policies, as users write them; SGLang's underscores are understood too. */
  static final class WritePolicyName extends EnumWord<WritePolicy> {
    WritePolicyName() {
      super(WritePolicy.class);
    }

    @Override
    public WritePolicy convert(String value) {
      return super.convert(value.replace('_', '-'));
    }
  }

  /** The eviction policies, as users write them. */
  static final class EvictionName extends EnumWord<RadixCache.Eviction> {
    EvictionName() {
      super(RadixCache.Eviction.class);
    }
  }
}
