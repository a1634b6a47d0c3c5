package orrery.batching;

import orrery.options.Options;

/**
 * Which sequences run in which step.
 *
 * @param schedulePolicy decides which sequences run in which step
 * @param lpm with the SGLang policy: longest prefix match first instead of fcfs
 * @param enableMixedChunk with the SGLang policy: decoding rows join prompt steps
 * @param scheduleConservativeness with the SGLang policy: scales its first guess of answer lengths
 * @param chunkedPrefillSize the most prompt tokens in one step; 0 does not limit them
 * @param maxRunningRequests the most sequences that run at once
 * @param maxQueuedRequests the most requests that wait; more are rejected
 * @param batchWaitMillis with static batching: how many milliseconds a batch waits to fill
 */
public record BatchingOptions(
    SchedulePolicy schedulePolicy,
    boolean lpm,
    boolean enableMixedChunk,
    double scheduleConservativeness,
    int chunkedPrefillSize,
    int maxRunningRequests,
    int maxQueuedRequests,
    long batchWaitMillis) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public BatchingOptions {
    Options.check(schedulePolicy != null, "schedule-policy", "a policy", null);
    Options.check(
        scheduleConservativeness > 0 && scheduleConservativeness <= 10,
        "schedule-conservativeness",
        "above 0, at most 10",
        scheduleConservativeness);
    Options.check(
        chunkedPrefillSize >= 0, "chunked-prefill-size", "at least 1, or 0", chunkedPrefillSize);
    Options.check(
        maxRunningRequests >= 1 && maxRunningRequests <= 4096,
        "max-running-requests",
        "1 to 4096",
        maxRunningRequests);
    Options.check(maxQueuedRequests >= 1, "max-queued-requests", "at least 1", maxQueuedRequests);
    Options.check(batchWaitMillis >= 0, "batch-wait-millis", "at least 0", batchWaitMillis);
  }

  /** The default options. */
  public static BatchingOptions defaults() {
    return new BatchingOptions(SchedulePolicy.SGLANG, false, true, 1.0, 512, 32, 4096, 20);
  }

  public BatchingOptions withSchedulePolicy(SchedulePolicy schedulePolicy) {
    return Options.with(this, "schedulePolicy", schedulePolicy);
  }

  public BatchingOptions withLpm(boolean lpm) {
    return Options.with(this, "lpm", lpm);
  }

  public BatchingOptions withEnableMixedChunk(boolean enableMixedChunk) {
    return Options.with(this, "enableMixedChunk", enableMixedChunk);
  }

  public BatchingOptions withScheduleConservativeness(double scheduleConservativeness) {
    return Options.with(this, "scheduleConservativeness", scheduleConservativeness);
  }

  public BatchingOptions withChunkedPrefillSize(int chunkedPrefillSize) {
    return Options.with(this, "chunkedPrefillSize", chunkedPrefillSize);
  }

  public BatchingOptions withMaxRunningRequests(int maxRunningRequests) {
    return Options.with(this, "maxRunningRequests", maxRunningRequests);
  }

  public BatchingOptions withMaxQueuedRequests(int maxQueuedRequests) {
    return Options.with(this, "maxQueuedRequests", maxQueuedRequests);
  }

  public BatchingOptions withBatchWaitMillis(long batchWaitMillis) {
    return Options.with(this, "batchWaitMillis", batchWaitMillis);
  }

  /** Makes the policy of one engine. */
  public Policy newPolicy() {
    return switch (schedulePolicy) {
      case STATIC -> new StaticPolicy(batchWaitMillis);
      case SGLANG ->
          new SglangPolicy(
              lpm ? SglangPolicy.Order.LPM : SglangPolicy.Order.FCFS,
              enableMixedChunk,
              scheduleConservativeness);
      case VLLM -> new VllmPolicy();
      case TRTLLM -> new TrtLlmPolicy(TrtLlmPolicy.Capacity.GUARANTEED_NO_EVICT);
      case TRTLLM_MAX_UTILIZATION -> new TrtLlmPolicy(TrtLlmPolicy.Capacity.MAX_UTILIZATION);
    };
  }
}
