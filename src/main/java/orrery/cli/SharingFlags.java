package orrery.cli;

import orrery.engine.EngineOptions;
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
      names = LPM,
      description =
          "With sglang and a prefix cache: longest prefix match first instead of first come, first"
              + " served")
  private boolean lpm;

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options
        .withBatching(b -> b.withLpm(lpm))
        .withPrefix(p -> p.withPrefixCache(prefix).withRadixEvictionPolicy(eviction));
  }

  /** The prefix caches, as users write them. */
  static final class CacheName extends EnumWord<PrefixCacheKind> {
    CacheName() {
      super(PrefixCacheKind.class);
    }
  }

  /** The eviction policies, as users write them. */
  static final class EvictionName extends EnumWord<RadixCache.Eviction> {
    EvictionName() {
      super(RadixCache.Eviction.class);
    }
  }
}
