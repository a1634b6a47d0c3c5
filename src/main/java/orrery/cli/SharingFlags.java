package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.engine.EngineOptions.PrefixChoice;
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
      description = "off, radix (SGLang's tree) or hash (vLLM's blocks). Default: radix")
  private PrefixChoice prefix = PrefixChoice.RADIX;

  @Option(
      names = EVICTION,
      paramLabel = "WHICH",
      description = "With radix: lru, lfu or fifo. Default: lru")
  private RadixCache.Eviction eviction = RadixCache.Eviction.LRU;

  @Option(
      names = LPM,
      description =
          "With sglang and a prefix cache: longest prefix match first instead of first come, first"
              + " served")
  private boolean lpm;

  void into(EngineOptions.Builder options) {
    options.lpm(lpm).prefixCache(prefix).eviction(eviction);
  }
}
