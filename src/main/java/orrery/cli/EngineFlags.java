package orrery.cli;

import java.util.Locale;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.EngineOptions.KernelChoice;
import orrery.engine.EngineOptions.PolicyChoice;
import orrery.engine.EngineOptions.PrefixChoice;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.prefix.RadixCache;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * The switches of the engine. None of them changes an answer, but for drafts that are accepted by
 * another rule than {@code coupled}.
 */
final class EngineFlags {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads of the forward pass. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--kernels",
      paramLabel = "WHICH",
      defaultValue = "auto",
      description =
          "scalar (plain loops, the definition), vector (Panama), or auto (vector, but for a small"
              + " first step, which must not wait for the JIT). Default: ${DEFAULT-VALUE}")
  private KernelChoice kernels;

  @Option(
      names = "--graph",
      paramLabel = "on|off",
      arity = "1", // else picocli takes a boolean for a flag without a value
      defaultValue = "on",
      converter = OnOff.class,
      description =
          "Capture each step shape once and replay it, or launch every op eagerly. Default:"
              + " ${DEFAULT-VALUE}")
  private boolean graph;

  @Option(
      names = "--page-size",
      paramLabel = "P",
      defaultValue = "16",
      description =
          "Tokens of a KV page; 0 is the context length: contiguous allocation. Default:"
              + " ${DEFAULT-VALUE}")
  private int pageSize;

  @Option(
      names = "--max-total-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Tokens that the KV cache holds. Default: half the context length for each running"
              + " request")
  private int maxTotalTokens;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      defaultValue = "0",
      description = "Longest sequence, prompt and answer. Default: what the model was made for")
  private int contextLength;

  @Option(
      names = "--schedule-policy",
      paramLabel = "WHICH",
      defaultValue = "sglang",
      converter = PolicyName.class,
      description =
          "static, sglang, vllm, trtllm (guaranteed no evict) or trtllm-max-utilization. Default:"
              + " ${DEFAULT-VALUE}")
  private PolicyChoice policy;

  @Option(
      names = "--lpm",
      description = "With sglang: longest prefix match first instead of first come, first served")
  private boolean lpm;

  @Option(
      names = "--enable-mixed-chunk",
      paramLabel = "on|off",
      arity = "1",
      defaultValue = "on",
      converter = OnOff.class,
      description =
          "With sglang: decoding rows join prompt steps instead of waiting. Default:"
              + " ${DEFAULT-VALUE}")
  private boolean mixedChunk;

  @Option(
      names = "--schedule-conservativeness",
      paramLabel = "X",
      defaultValue = "1",
      description = "With sglang: scales the first guess of answer lengths. Default: 1")
  private double conservativeness;

  @Option(
      names = "--chunked-prefill-size",
      paramLabel = "N",
      defaultValue = "512",
      description = "Most prompt tokens of one step; 0 is off. Default: ${DEFAULT-VALUE}")
  private int chunk;

  @Option(
      names = "--max-running-requests",
      paramLabel = "N",
      defaultValue = "32",
      description = "Most sequences that run at once. Default: ${DEFAULT-VALUE}")
  private int maxRunning;

  @Option(
      names = "--max-queued-requests",
      paramLabel = "N",
      defaultValue = "4096",
      description = "Most requests that wait; more are rejected. Default: ${DEFAULT-VALUE}")
  private int maxQueued;

  @Option(
      names = "--prefix-cache",
      paramLabel = "WHICH",
      defaultValue = "radix",
      description = "off, radix (SGLang's tree) or hash (vLLM's blocks). Default: ${DEFAULT-VALUE}")
  private PrefixChoice prefix;

  @Option(
      names = "--radix-eviction-policy",
      paramLabel = "WHICH",
      defaultValue = "lru",
      description = "lru, lfu or fifo. Default: ${DEFAULT-VALUE}")
  private RadixCache.Eviction eviction;

  @Mixin private SpeculationFlags speculation;

  /**
   * What the user asked for.
   *
   * @throws ParameterException if a value is out of its range
   */
  EngineOptions options() {
    return options(Algorithm.OFF);
  }

  /**
   * The same, with another algorithm of speculation if the user names none.
   *
   * @throws ParameterException if a value is out of its range
   */
  EngineOptions options(Algorithm unlessSaid) {
    try {
      return build(unlessSaid);
    } catch (IllegalArgumentException e) { // it names the option, which is the flag
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  /**
   * Starts an engine with these flags' options.
   *
   * @throws ParameterException if one does not go with the model
   */
  Engine start(LoadedModel loaded, EngineOptions options, EventSink sink) {
    try {
      return Engine.start(loaded, options, sink);
    } catch (IllegalArgumentException e) {
      String option = "--" + e.getMessage().split(":", 2)[0];
      boolean flag = spec.findOption(option) != null;
      throw flag ? new ParameterException(spec.commandLine(), "--" + e.getMessage(), e) : e;
    }
  }

  private EngineOptions build(Algorithm unlessSaid) {
    return EngineOptions.builder()
        .threads(threads)
        .kernels(kernels)
        .graph(graph)
        .pageSize(pageSize)
        .maxTotalTokens(maxTotalTokens)
        .contextLength(contextLength)
        .schedulePolicy(policy)
        .lpm(lpm)
        .mixedChunk(mixedChunk)
        .conservativeness(conservativeness)
        .chunkedPrefillSize(chunk)
        .maxRunning(maxRunning)
        .maxQueued(maxQueued)
        .prefixCache(prefix)
        .eviction(eviction)
        .speculation(speculation.options(spec, unlessSaid))
        .build();
  }

  /** Names with dashes, as they are written everywhere. */
  static final class PolicyName implements ITypeConverter<PolicyChoice> {
    @Override
    public PolicyChoice convert(String value) {
      try {
        return PolicyChoice.valueOf(value.toUpperCase(Locale.ROOT).replace('-', '_'));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(
            "expected static, sglang, vllm, trtllm or trtllm-max-utilization, found " + value);
      }
    }
  }
}
