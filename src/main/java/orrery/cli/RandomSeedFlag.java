package orrery.cli;

import orrery.sampling.RandomSeed;
import picocli.CommandLine.Option;

/** The flag for the draws of requests without a seed. */
final class RandomSeedFlag {
  @Option(
      names = "--random-seed",
      paramLabel = "N",
      description =
          "What the seeds of requests follow from that have none, together with their number."
              + " Another N draws other tokens for them. Default: ${DEFAULT-VALUE}, the number"
              + " itself is the seed")
  private long value = 0;

  RandomSeed seed() {
    return new RandomSeed(value);
  }
}
