package orrery.kv;

import orrery.options.Options;

/**
 * The size of the KV cache and of its pages.
 *
 * @param pageSize tokens of a page, rounded up to whole rows of the model's streams; 0 is the
 *     context length: contiguous allocation
 * @param maxTotalTokens tokens that the cache has room for; 0 makes room for all running sequences
 *     at half the context length
 * @param swaFullTokensRatio tokens that a pool with a window has room for, as a share of
 *     max-total-tokens, up to 1; 0 makes room for the windows of all running sequences, for the
 *     rows of one step, and, with a prefix cache, for cached windows: as many, and at least a tenth
 *     of the full length. SGLang has this option and its name: sliding window attention to full
 *     attention
 * @param contextLength tokens of the longest sequence, prompt and answer together; 0 takes the
 *     model's own limit
 * @param kvCacheDtype how cached rows are stored. It is no switch: rows of fewer bits make another
 *     model, with answers of its own
 */
public record KvOptions(
    int pageSize,
    int maxTotalTokens,
    double swaFullTokensRatio,
    int contextLength,
    KvDtype kvCacheDtype) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public KvOptions {
    Options.check(pageSize >= 0, "page-size", "at least 1, or 0 for the context length", pageSize);
    Options.check(maxTotalTokens >= 0, "max-total-tokens", "at least 1, or 0", maxTotalTokens);
    Options.check(
        swaFullTokensRatio >= 0 && swaFullTokensRatio <= 1, // not NaN
        "swa-full-tokens-ratio",
        "more than 0 and at most 1, or 0",
        swaFullTokensRatio);
    Options.check(
        contextLength >= 0, "context-length", "at least 1, or 0 for the model's", contextLength);
  }

  /** The default options. */
  public static KvOptions defaults() {
    return new KvOptions(16, 0, 0, 0, KvDtype.F32);
  }

  public KvOptions withPageSize(int pageSize) {
    return Options.with(this, "pageSize", pageSize);
  }

  public KvOptions withMaxTotalTokens(int maxTotalTokens) {
    return Options.with(this, "maxTotalTokens", maxTotalTokens);
  }

  public KvOptions withSwaFullTokensRatio(double swaFullTokensRatio) {
    return Options.with(this, "swaFullTokensRatio", swaFullTokensRatio);
  }

  public KvOptions withContextLength(int contextLength) {
    return Options.with(this, "contextLength", contextLength);
  }

  public KvOptions withKvCacheDtype(KvDtype kvCacheDtype) {
    return Options.with(this, "kvCacheDtype", kvCacheDtype);
  }
}
