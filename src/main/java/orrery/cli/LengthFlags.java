package orrery.cli;

import picocli.CommandLine.Option;

/** The flags of experiments whose requests all have one length. */
final class LengthFlags {
  @Option(
      names = "--prompt",
      paramLabel = "N",
      description = "Tokens of each prompt. Default: ${DEFAULT-VALUE}")
  int prompt;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "Tokens of each answer. Default: ${DEFAULT-VALUE}")
  int tokens;

  /** The defaults of an experiment. */
  LengthFlags(int prompt, int tokens) {
    this.prompt = prompt;
    this.tokens = tokens;
  }
}
