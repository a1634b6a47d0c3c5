package orrery.cli;

import picocli.CommandLine.Option;

/** The flags of experiments that time decode steps: how long the context is, and the time. */
final class DecodeFlags {
  @Option(
      names = "--context",
      paramLabel = "N",
      description = "Tokens of each request in the KV cache. Default: ${DEFAULT-VALUE}")
  int context = 128;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "Measuring time of each setting. Default: ${DEFAULT-VALUE}")
  double seconds = 3;
}
