package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.hisparse.HisparseConfig;
import picocli.CommandLine.Option;

/** Which entries lie on the host, as flags of their own for commands without an engine. */
final class HisparseFlags {
  static final String ENABLE = "--enable-hisparse";
  static final String CONFIG = "--hisparse-config";

  static final String ENABLE_DESCRIPTION =
      "With a model that has an indexer: the entries that it chooses from lie on the host, and"
          + " the device keeps a small buffer of them for each running request";

  static final String CONFIG_DESCRIPTION =
      "The size of these buffers, as {\"device_buffer_size\": N}: entries in each. Default:"
          + " twice as many as the rows of a decode step may choose, at most all of a sequence."
          + " \"top_k\" may be there too; it must be the model's index_topk";

  @Option(names = ENABLE, description = ENABLE_DESCRIPTION)
  private boolean enabled;

  @Option(
      names = CONFIG,
      paramLabel = "JSON",
      converter = HisparseConfigName.class,
      description = CONFIG_DESCRIPTION)
  private HisparseConfig config = HisparseConfig.UNSAID;

  boolean enabled() {
    return enabled;
  }

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options.withHisparse(h -> h.withEnableHisparse(enabled).withHisparseConfig(config));
  }
}
