package orrery.cli;

import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import picocli.CommandLine.Option;

/** The flags that say which rows the next step computes. */
final class ScheduleFlags {
  static final String OVERLAP = "--overlap";
  static final String POLICY = "--schedule-policy";
  static final String MIXED_CHUNK = "--enable-mixed-chunk";
  static final String RUNNING = "--max-running-requests";
  static final String CONSERVATIVENESS = "--schedule-conservativeness";

  @Option(
      names = POLICY,
      paramLabel = "WHICH",
      converter = PolicyName.class,
      description =
          "static, sglang, vllm, trtllm (guaranteed no evict) or trtllm-max-utilization. Default:"
              + " sglang")
  private SchedulePolicy policy = SchedulePolicy.SGLANG;

  @Option(
      names = MIXED_CHUNK,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description = "With sglang: decoding rows join prompt steps instead of waiting. Default: on")
  private boolean mixedChunk = true;

  @Option(
      names = CONSERVATIVENESS,
      paramLabel = "X",
      description = "With sglang: scales the first guess of answer lengths. Default: 1")
  private double conservativeness = 1;

  @Option(
      names = "--chunked-prefill-size",
      paramLabel = "N",
      description = "Most prompt tokens of one step; 0 is off. Default: ${DEFAULT-VALUE}")
  private int chunk = 512;

  @Option(
      names = RUNNING,
      paramLabel = "N",
      description = "Most sequences that run at once. Default: ${DEFAULT-VALUE}")
  private int maxRunning = 32;

  @Option(
      names = OVERLAP,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description =
          "Plan the next step and settle the last one while a step is computed on a thread of its"
              + " own. Default: off")
  private boolean overlap;

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    EngineOptions overlapping = options.withCompute(c -> c.withOverlap(overlap));
    return overlapping.withBatching(
        b ->
            b.withSchedulePolicy(policy)
                .withEnableMixedChunk(mixedChunk)
                .withScheduleConservativeness(conservativeness)
                .withChunkedPrefillSize(chunk)
                .withMaxRunningRequests(maxRunning));
  }

  /** The policies, as users write them. */
  static final class PolicyName extends EnumWord<SchedulePolicy> {
    PolicyName() {
      super(SchedulePolicy.class);
    }
  }
}
