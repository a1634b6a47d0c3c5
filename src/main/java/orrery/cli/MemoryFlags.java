package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.hisparse.HisparseConfig;
import orrery.kv.KvDtype;
import picocli.CommandLine.Option;

/** The size of the KV cache and of its pages, and how its rows are stored. */
final class MemoryFlags {
  static final String PAGE_SIZE = "--page-size";
  static final String SWA_RATIO = "--swa-full-tokens-ratio";

  @Option(
      names = PAGE_SIZE,
      paramLabel = "P",
      description =
          "Tokens of a KV page, rounded up to whole rows of all that the model caches; 0 is the"
              + " context length: contiguous allocation. Default: ${DEFAULT-VALUE}")
  private int pageSize = 16;

  @Option(
      names = "--max-total-tokens",
      paramLabel = "N",
      description =
          "Tokens that the KV cache holds. Default: half the context length for each running"
              + " request")
  private int maxTotalTokens;

  @Option(
      names = SWA_RATIO,
      paramLabel = "R",
      description =
          "Tokens that a pool of pages has room for whose rows only a window of later tokens reads,"
              + " as a share of --max-total-tokens, up to 1. Default: the windows of all running"
              + " requests, the rows of one step, and, with a prefix cache, cached windows: as"
              + " many, at least a tenth")
  private double swaFullTokensRatio;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      description =
          "Longest sequence, prompt and answer. Default: what the model was made for, at most 8192")
  private int contextLength;

  /** Not {@link HisparseFlags}, because a group of options takes no mixin. */
  @Option(names = HisparseFlags.ENABLE, description = HisparseFlags.ENABLE_DESCRIPTION)
  private boolean hisparse;

  @Option(
      names = HisparseFlags.CONFIG,
      paramLabel = "JSON",
      converter = HisparseConfigName.class,
      description = HisparseFlags.CONFIG_DESCRIPTION)
  private HisparseConfig hisparseConfig = HisparseConfig.UNSAID;

  /** Not a {@link KvDtypeFlag}, for the same reason. */
  @Option(
      names = KvDtypeFlag.NAME,
      paramLabel = "DTYPE",
      converter = KvDtypeFlag.Name.class,
      description = KvDtypeFlag.DESCRIPTION)
  private KvDtype dtype = KvDtype.F32;

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options
        .withKv(
            kv ->
                kv.withPageSize(pageSize)
                    .withMaxTotalTokens(maxTotalTokens)
                    .withSwaFullTokensRatio(swaFullTokensRatio)
                    .withContextLength(contextLength)
                    .withKvCacheDtype(dtype))
        .withHisparse(h -> h.withEnableHisparse(hisparse).withHisparseConfig(hisparseConfig));
  }
}
