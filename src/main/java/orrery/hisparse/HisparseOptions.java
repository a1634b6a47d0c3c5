package orrery.hisparse;

import orrery.options.Options;

/**
 * Sparse offload; names are SGLang's.
 *
 * @param enableHisparse whether entries that an indexer chooses from lie on the host, and the
 *     device keeps a small buffer of them for each running sequence
 * @param hisparseConfig how large the buffers are
 */
public record HisparseOptions(boolean enableHisparse, HisparseConfig hisparseConfig) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public HisparseOptions {
    Options.check(hisparseConfig != null, HisparseConfig.NAME, "a config", null);
  }

  /** The default options. */
  public static HisparseOptions defaults() {
    return new HisparseOptions(false, HisparseConfig.UNSAID);
  }

  public HisparseOptions withEnableHisparse(boolean enableHisparse) {
    return Options.with(this, "enableHisparse", enableHisparse);
  }

  public HisparseOptions withHisparseConfig(HisparseConfig hisparseConfig) {
    return Options.with(this, "hisparseConfig", hisparseConfig);
  }
}
