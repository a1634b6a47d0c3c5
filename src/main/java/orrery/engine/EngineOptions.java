package orrery.engine;

import orrery.batching.Policy;
import orrery.batching.SglangPolicy;
import orrery.batching.StaticPolicy;
import orrery.batching.TrtLlmPolicy;
import orrery.batching.VllmPolicy;
import orrery.kv.KvCache;
import orrery.prefix.HashBlockCache;
import orrery.prefix.NoPrefixCache;
import orrery.prefix.PrefixCache;
import orrery.prefix.RadixCache;
import orrery.speculation.SpeculationOptions;

/**
 * Every switch of the engine. A switch that SGLang has too has SGLang's name. No switch changes a
 * bit of an answer; they change speed and memory. (For {@code speculation} this holds with its
 * default, coupled acceptance. The published rules keep the distribution, not the text.)
 *
 * @param threads threads of the forward pass
 * @param kernels which kernels compute
 * @param graph capture each step shape once and replay it, instead of launching eagerly
 * @param pageSize tokens of a page; 0 is the context length: contiguous allocation
 * @param maxTotalTokens tokens that the KV cache has room for; 0 makes room for {@code maxRunning}
 *     sequences of half the context length
 * @param contextLength tokens of the longest sequence, prompt and answer together; 0 takes the
 *     model's own limit
 * @param schedulePolicy decides which sequences run in which step
 * @param lpm with the SGLang policy: longest prefix match first instead of fcfs
 * @param mixedChunk with the SGLang policy: decoding rows join prompt steps
 * @param conservativeness with the SGLang policy: scales its first guess of answer lengths
 * @param chunkedPrefillSize the most prompt tokens in one step; 0 does not limit them
 * @param maxRunning the most sequences that run at once
 * @param maxQueued the most requests that wait; more are rejected
 * @param batchWaitMillis with static batching: how many milliseconds a batch waits to fill
 * @param prefixCache which prefix cache
 * @param eviction with the radix cache: which entries are evicted first
 * @param speculation which drafter makes drafts, and how many
 */
public record EngineOptions(
    int threads,
    KernelChoice kernels,
    boolean graph,
    int pageSize,
    int maxTotalTokens,
    int contextLength,
    PolicyChoice schedulePolicy,
    boolean lpm,
    boolean mixedChunk,
    double conservativeness,
    int chunkedPrefillSize,
    int maxRunning,
    int maxQueued,
    long batchWaitMillis,
    PrefixChoice prefixCache,
    RadixCache.Eviction eviction,
    SpeculationOptions speculation) {

  /** Which kernels compute. */
  public enum KernelChoice {
    /** The scalar kernels: the definition, in plain loops. */
    SCALAR,
    /** The vector kernels (Panama), from the first step on, although they are cold then. */
    VECTOR,
    /**
     * Scalar kernels for a small first step, so the first token does not wait for the JIT; then
     * vector kernels.
     */
    AUTO
  }

  /** Which policy decides what runs in which step. */
  public enum PolicyChoice {
    STATIC,
    SGLANG,
    VLLM,
    TRTLLM,
    TRTLLM_MAX_UTILIZATION
  }

  /** Which prefix cache. */
  public enum PrefixChoice {
    OFF,
    RADIX,
    HASH
  }

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public EngineOptions {
    check(kernels != null, "kernels", "a choice", null);
    check(schedulePolicy != null, "schedule-policy", "a choice", null);
    check(prefixCache != null, "prefix-cache", "a choice", null);
    check(eviction != null, "radix-eviction-policy", "a choice", null);
    check(speculation != null, "speculation", "options, such as SpeculationOptions.off()", null);
    check(threads >= 1 && threads <= 256, "threads", "1 to 256", threads);
    check(pageSize >= 0, "page-size", "at least 1, or 0 for the context length", pageSize);
    check(maxTotalTokens >= 0, "max-total-tokens", "at least 1, or 0", maxTotalTokens);
    check(contextLength >= 0, "context-length", "at least 1, or 0 for the model's", contextLength);
    check(
        conservativeness > 0 && conservativeness <= 10,
        "schedule-conservativeness",
        "above 0, at most 10",
        conservativeness);
    check(chunkedPrefillSize >= 0, "chunked-prefill-size", "at least 1, or 0", chunkedPrefillSize);
    check(maxRunning >= 1 && maxRunning <= 4096, "max-running-requests", "1 to 4096", maxRunning);
    check(maxQueued >= 1, "max-queued-requests", "at least 1", maxQueued);
    check(batchWaitMillis >= 0, "batch-wait", "at least 0 ms", batchWaitMillis);
  }

  /** The default options. */
  public static EngineOptions defaults() {
    return new EngineOptions(
        1,
        KernelChoice.AUTO,
        true,
        16,
        0,
        0,
        PolicyChoice.SGLANG,
        false,
        true,
        1.0,
        512,
        32,
        4096,
        20,
        PrefixChoice.RADIX,
        RadixCache.Eviction.LRU,
        SpeculationOptions.off());
  }

  Policy newPolicy() {
    return switch (schedulePolicy) {
      case STATIC -> new StaticPolicy(batchWaitMillis);
      case SGLANG ->
          new SglangPolicy(
              lpm ? SglangPolicy.Order.LPM : SglangPolicy.Order.FCFS, mixedChunk, conservativeness);
      case VLLM -> new VllmPolicy();
      case TRTLLM -> new TrtLlmPolicy(TrtLlmPolicy.Capacity.GUARANTEED_NO_EVICT);
      case TRTLLM_MAX_UTILIZATION -> new TrtLlmPolicy(TrtLlmPolicy.Capacity.MAX_UTILIZATION);
    };
  }

  PrefixCache newPrefixCache(KvCache kv) {
    return switch (prefixCache) {
      case OFF -> new NoPrefixCache(kv.geometry().pools());
      case RADIX -> new RadixCache(kv, eviction);
      case HASH -> new HashBlockCache(kv);
    };
  }

  /** A builder that starts from the defaults. */
  public static Builder builder() {
    return new Builder(defaults());
  }

  /** A builder that starts from these options. */
  public Builder but() {
    return new Builder(this);
  }

  private static void check(boolean holds, String what, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(what + ": expected " + expected + ", found " + found);
    }
  }

  /** Changes options one by one. */
  public static final class Builder {
    private int threads;
    private KernelChoice kernels;
    private boolean graph;
    private int pageSize;
    private int maxTotalTokens;
    private int contextLength;
    private PolicyChoice schedulePolicy;
    private boolean lpm;
    private boolean mixedChunk;
    private double conservativeness;
    private int chunkedPrefillSize;
    private int maxRunning;
    private int maxQueued;
    private long batchWaitMillis;
    private PrefixChoice prefixCache;
    private RadixCache.Eviction eviction;
    private SpeculationOptions speculation;

    private Builder(EngineOptions o) {
      threads = o.threads;
      kernels = o.kernels;
      graph = o.graph;
      pageSize = o.pageSize;
      maxTotalTokens = o.maxTotalTokens;
      contextLength = o.contextLength;
      schedulePolicy = o.schedulePolicy;
      lpm = o.lpm;
      mixedChunk = o.mixedChunk;
      conservativeness = o.conservativeness;
      chunkedPrefillSize = o.chunkedPrefillSize;
      maxRunning = o.maxRunning;
      maxQueued = o.maxQueued;
      batchWaitMillis = o.batchWaitMillis;
      prefixCache = o.prefixCache;
      eviction = o.eviction;
      speculation = o.speculation;
    }

    public Builder threads(int value) {
      threads = value;
      return this;
    }

    public Builder kernels(KernelChoice value) {
      kernels = value;
      return this;
    }

    public Builder graph(boolean value) {
      graph = value;
      return this;
    }

    public Builder pageSize(int value) {
      pageSize = value;
      return this;
    }

    public Builder maxTotalTokens(int value) {
      maxTotalTokens = value;
      return this;
    }

    public Builder contextLength(int value) {
      contextLength = value;
      return this;
    }

    public Builder schedulePolicy(PolicyChoice value) {
      schedulePolicy = value;
      return this;
    }

    public Builder lpm(boolean value) {
      lpm = value;
      return this;
    }

    public Builder mixedChunk(boolean value) {
      mixedChunk = value;
      return this;
    }

    public Builder conservativeness(double value) {
      conservativeness = value;
      return this;
    }

    public Builder chunkedPrefillSize(int value) {
      chunkedPrefillSize = value;
      return this;
    }

    public Builder maxRunning(int value) {
      maxRunning = value;
      return this;
    }

    public Builder maxQueued(int value) {
      maxQueued = value;
      return this;
    }

    public Builder batchWaitMillis(long value) {
      batchWaitMillis = value;
      return this;
    }

    public Builder prefixCache(PrefixChoice value) {
      prefixCache = value;
      return this;
    }

    public Builder eviction(RadixCache.Eviction value) {
      eviction = value;
      return this;
    }

    public Builder speculation(SpeculationOptions value) {
      speculation = value;
      return this;
    }

    /**
     * Returns the options.
     *
     * @throws IllegalArgumentException naming an option that is out of range
     */
    public EngineOptions build() {
      return new EngineOptions(
          threads,
          kernels,
          graph,
          pageSize,
          maxTotalTokens,
          contextLength,
          schedulePolicy,
          lpm,
          mixedChunk,
          conservativeness,
          chunkedPrefillSize,
          maxRunning,
          maxQueued,
          batchWaitMillis,
          prefixCache,
          eviction,
          speculation);
    }
  }
}
