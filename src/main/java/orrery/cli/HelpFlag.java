package orrery.cli;

import picocli.CommandLine.Option;

/** {@code --help} of a command that has no {@code --version}. */
final class HelpFlag {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;
}
