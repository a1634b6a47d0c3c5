package orrery.prefix;

import java.util.function.LongSupplier;
import orrery.kv.KvCache;
import orrery.options.Options;

/**
 * Which beginnings of prompts are kept and shared.
 *
 * @param prefixCache which prefix cache
 * @param radixEvictionPolicy with the radix cache: which entries are evicted first
 */
public record PrefixOptions(PrefixCacheKind prefixCache, RadixCache.Eviction radixEvictionPolicy) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public PrefixOptions {
    Options.check(prefixCache != null, "prefix-cache", "a prefix cache", null);
    Options.check(radixEvictionPolicy != null, "radix-eviction-policy", "an eviction order", null);
  }

  /** The default options. */
  public static PrefixOptions defaults() {
    return new PrefixOptions(PrefixCacheKind.RADIX, RadixCache.Eviction.LRU);
  }

  public PrefixOptions withPrefixCache(PrefixCacheKind prefixCache) {
    return Options.with(this, "prefixCache", prefixCache);
  }

  public PrefixOptions withRadixEvictionPolicy(RadixCache.Eviction radixEvictionPolicy) {
    return Options.with(this, "radixEvictionPolicy", radixEvictionPolicy);
  }

  /** Whether there is a prefix cache. */
  public boolean remembers() {
    return prefixCache != PrefixCacheKind.OFF;
  }

  /**
   * Makes the prefix cache of one engine, over its pages.
   *
   * @param clock nanoseconds, by which retentions end
   */
  public PrefixCache newCache(KvCache kv, LongSupplier clock) {
    return switch (prefixCache) {
      case OFF -> new NoPrefixCache(kv.geometry().pools());
      case RADIX -> new RadixCache(kv, radixEvictionPolicy, clock);
      case HASH -> new HashBlockCache(kv, clock);
    };
  }
}
