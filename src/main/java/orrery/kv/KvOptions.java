package orrery.kv;

import orrery.options.Options;

/**
 * The size of the KV cache and of its pages.
 *
 * @param pageSize tokens of a page; 0 is the context length: contiguous allocation
 * @param maxTotalTokens tokens that the cache has room for; 0 makes room for all running sequences
 *     at half the context length
 * @param contextLength tokens of the longest sequence, prompt and answer together; 0 takes the
 *     model's own limit
 */
public record KvOptions(int pageSize, int maxTotalTokens, int contextLength) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public KvOptions {
    Options.check(pageSize >= 0, "page-size", "at least 1, or 0 for the context length", pageSize);
    Options.check(maxTotalTokens >= 0, "max-total-tokens", "at least 1, or 0", maxTotalTokens);
    Options.check(
        contextLength >= 0, "context-length", "at least 1, or 0 for the model's", contextLength);
  }

  /** The default options. */
  public static KvOptions defaults() {
    return new KvOptions(16, 0, 0);
  }

  public KvOptions withPageSize(int pageSize) {
    return Options.with(this, "pageSize", pageSize);
  }

  public KvOptions withMaxTotalTokens(int maxTotalTokens) {
    return Options.with(this, "maxTotalTokens", maxTotalTokens);
  }

  public KvOptions withContextLength(int contextLength) {
    return Options.with(this, "contextLength", contextLength);
  }
}
