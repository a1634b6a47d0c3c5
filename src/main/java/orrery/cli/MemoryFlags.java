package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.hisparse.HisparseConfig;
import orrery.kv.KvDtype;
import picocli.CommandLine.Option;

/** The size of the KV cache and of its pages, and how its rows are stored. */
final class MemoryFlags {
  static final String PAGE_SIZE = "--page-size";
  static final String SWA_RATIO = "--swa-full-tokens-ratio";
  static final String HISPARSE = "--enable-hisparse";
  static final String HISPARSE_CONFIG = "--hisparse-config";

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

  @Option(
      names = HISPARSE,
      description =
          "With a model that has an indexer: the entries that it chooses from lie on the host, and"
              + " the device keeps a small buffer of them for each running request")
  private boolean hisparse;

  @Option(
      names = HISPARSE_CONFIG,
      paramLabel = "JSON",
      converter = HisparseConfigName.class,
      description =
          "The size of these buffers, as {\"device_buffer_size\": N}: entries in each. Default:"
              + " twice as many as the rows of a decode step may choose, at most all of a sequence."
              + " \"top_k\" may be there too; it must be the model's index_topk")
  private HisparseConfig hisparseConfig = HisparseConfig.UNSAID;

  /** Not a {@link KvDtypeFlag}, because a group of options takes no mixin. */
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
