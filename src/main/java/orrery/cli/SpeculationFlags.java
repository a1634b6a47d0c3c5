package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine.Option;

/**
 * The flags of speculation: the drafter, the number of drafts, and the rule that accepts a draft.
 */
final class SpeculationFlags {
  static final String PREFIX = "--speculative-";
  static final String ALGORITHM = PREFIX + "algorithm";
  static final String ACCEPTANCE = PREFIX + "acceptance";
  static final String COUPLED_DRAFTS = PREFIX + "coupled-drafts";
  static final String NGRAM_MIN = PREFIX + "ngram-min";
  static final String NGRAM_MAX = PREFIX + "ngram-max";
  static final String SYNTHETIC_LENGTH = PREFIX + "synthetic-accept-length";

  @Option(
      names = ALGORITHM,
      paramLabel = "WHICH",
      converter = AlgorithmName.class,
      description =
          "Guess tokens ahead and verify them in one step: mtp (the model's multi-token prediction"
              + " layer), ngram (prompt lookup: what followed the last time) or off. Default: off;"
              + " of demo: mtp if the model can")
  private Algorithm algorithm; // null: not said

  @Option(
      names = "--speculative-num-steps",
      paramLabel = "N",
      description = "Most drafts of a sequence in one step. Default: ${DEFAULT-VALUE}")
  private int steps = 3;

  @Option(
      names = "--speculative-adaptive",
      description = "Choose from 0 to that many drafts, by acceptance and measured times")
  private boolean adaptive;

  @Option(
      names = "--speculative-disable-by-batch-size",
      paramLabel = "N",
      description = "No drafts while more than N sequences decode; 0 is no limit. Default: 0")
  private int maxBatch;

  @Option(
      names = ACCEPTANCE,
      paramLabel = "RULE",
      converter = AcceptanceName.class,
      description =
          "coupled (the text of plain decoding, to the bit), target-only or rejection (only the"
              + " distribution of plain decoding). Default: coupled")
  private Acceptance acceptance = Acceptance.COUPLED;

  @Option(
      names = COUPLED_DRAFTS,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description =
          "With mtp, for sampled answers: draw drafts with the random number of their position"
              + " instead of taking the likeliest token. Default: on")
  private boolean coupledDrafts = true;

  @Option(
      names = NGRAM_MIN,
      paramLabel = "N",
      description = "With ngram: shortest run of tokens to look up. Default: ${DEFAULT-VALUE}")
  private int ngramMin = 2;

  @Option(
      names = NGRAM_MAX,
      paramLabel = "N",
      description = "With ngram: longest run. Default: ${DEFAULT-VALUE}")
  private int ngramMax = 4;

  @Option(
      names = SYNTHETIC_LENGTH,
      paramLabel = "X",
      description =
          "For experiments: accept drafts, whatever they are, so that a verification gives X tokens"
              + " on average. The text is then not the model's. 0 is off. Default: 0")
  private double syntheticLength;

  /**
   * These options with what the flags say.
   *
   * @param unlessSaid the algorithm if the user names none
   * @throws IllegalArgumentException naming a flag without its dashes
   */
  EngineOptions applyTo(EngineOptions options, Algorithm unlessSaid) {
    return options.withSpeculation(
        s ->
            s.withAlgorithm(algorithm == null ? unlessSaid : algorithm)
                .withNumSteps(steps)
                .withAdaptive(adaptive)
                .withDisableByBatchSize(maxBatch)
                .withAcceptance(acceptance)
                .withCoupledDrafts(coupledDrafts)
                .withNgram(ngramMin, ngramMax)
                .withSyntheticAcceptLength(syntheticLength));
  }

  /** The drafters, as users write them. */
  static final class AlgorithmName extends EnumWord<Algorithm> {
    AlgorithmName() {
      super(Algorithm.class);
    }
  }

  /** The rules, as users write them. */
  static final class AcceptanceName extends EnumWord<Acceptance> {
    AcceptanceName() {
      super(Acceptance.class);
    }
  }
}
