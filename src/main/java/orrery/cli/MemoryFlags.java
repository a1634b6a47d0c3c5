package orrery.cli;

import orrery.engine.EngineOptions;
import picocli.CommandLine.Option;

/** The size of the KV cache and of its pages. */
final class MemoryFlags {
  @Option(
      names = "--page-size",
      paramLabel = "P",
      description =
          "Tokens of a KV page; 0 is the context length: contiguous allocation. Default:"
              + " ${DEFAULT-VALUE}")
  private int pageSize = 16;

  @Option(
      names = "--max-total-tokens",
      paramLabel = "N",
      description =
          "Tokens that the KV cache holds. Default: half the context length for each running"
              + " request")
  private int maxTotalTokens;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      description =
          "Longest sequence, prompt and answer. Default: what the model was made for, at most 8192")
  private int contextLength;

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options.withKv(
        kv ->
            kv.withPageSize(pageSize)
                .withMaxTotalTokens(maxTotalTokens)
                .withContextLength(contextLength));
  }
}
