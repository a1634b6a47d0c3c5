package orrery.cli;

import orrery.engine.EngineOptions;
import picocli.CommandLine.Option;

/** The flags for requests that come one by one. */
final class ArrivalFlags {
  static final String HEADING = "%nEngine, arrivals:%n";
  static final String WAIT = "--batch-wait-millis";

  @Option(
      names = "--max-queued-requests",
      paramLabel = "N",
      description = "Most requests that wait; more get 503. Default: ${DEFAULT-VALUE}")
  private int maxQueued = EngineOptions.defaults().batching().maxQueuedRequests();

  @Option(
      names = WAIT,
      paramLabel = "N",
      description =
          "With static: how many milliseconds a batch waits to fill. Default: ${DEFAULT-VALUE}")
  private long wait = EngineOptions.defaults().batching().batchWaitMillis();

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options.withBatching(b -> b.withMaxQueuedRequests(maxQueued).withBatchWaitMillis(wait));
  }
}
