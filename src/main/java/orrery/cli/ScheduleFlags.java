package orrery.cli;

import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.engine.EngineOptions.PolicyChoice;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The flags that say which rows the next step computes. */
final class ScheduleFlags {
  static final String POLICY = "--schedule-policy";
  static final String MIXED_CHUNK = "--enable-mixed-chunk";
  static final String CONSERVATIVENESS = "--schedule-conservativeness";

  @Option(
      names = POLICY,
      paramLabel = "WHICH",
      converter = PolicyName.class,
      description =
          "static, sglang, vllm, trtllm (guaranteed no evict) or trtllm-max-utilization. Default:"
              + " sglang")
  private PolicyChoice policy = PolicyChoice.SGLANG;

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
      names = "--max-running-requests",
      paramLabel = "N",
      description = "Most sequences that run at once. Default: ${DEFAULT-VALUE}")
  private int maxRunning = 32;

  void into(EngineOptions.Builder options) {
    options
        .schedulePolicy(policy)
        .mixedChunk(mixedChunk)
        .conservativeness(conservativeness)
        .chunkedPrefillSize(chunk)
        .maxRunning(maxRunning);
  }

  /** Reads a policy as users write it on the command line. */
  static String name(PolicyChoice policy) {
    return policy.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The names, with dashes, as users write them. */
  static final class PolicyName implements ITypeConverter<PolicyChoice> {
    @Override
    public PolicyChoice convert(String value) {
      for (PolicyChoice policy : PolicyChoice.values()) {
        if (name(policy).equals(value.toLowerCase(Locale.ROOT))) {
          return policy;
        }
      }
      throw new TypeConversionException(
          "expected static, sglang, vllm, trtllm or trtllm-max-utilization, found " + value);
    }
  }
}
