package orrery.cli;

import java.util.Locale;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

/** Who guesses tokens ahead, how many, and what makes a guess count. */
final class SpeculationFlags {
  private static final String PREFIX = "--speculative-";
  private static final String ALGORITHM = PREFIX + "algorithm";

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
      defaultValue = "3",
      description = "Most drafts of a sequence in one step. Default: ${DEFAULT-VALUE}")
  private int steps;

  @Option(
      names = "--speculative-adaptive",
      description = "Acceptance and measured times choose from 0 to that many drafts")
  private boolean adaptive;

  @Option(
      names = "--speculative-disable-by-batch-size",
      paramLabel = "N",
      defaultValue = "0",
      description = "No drafts while more than N sequences decode; 0 is no limit. Default: 0")
  private int maxBatch;

  @Option(
      names = "--speculative-acceptance",
      paramLabel = "RULE",
      defaultValue = "coupled",
      converter = AcceptanceName.class,
      description =
          "coupled (the text of plain decoding, to the bit), or, with its distribution only:"
              + " target-only, rejection. Default: ${DEFAULT-VALUE}")
  private Acceptance acceptance;

  @Option(
      names = "--speculative-coupled-drafts",
      paramLabel = "on|off",
      arity = "1",
      defaultValue = "on",
      converter = OnOff.class,
      description =
          "With mtp, for sampled answers: draw drafts with the random number of their position"
              + " instead of taking the likeliest token. Default: ${DEFAULT-VALUE}")
  private boolean coupledDrafts;

  @Option(
      names = "--speculative-ngram-min",
      paramLabel = "N",
      defaultValue = "2",
      description = "With ngram: shortest run of tokens to look up. Default: ${DEFAULT-VALUE}")
  private int ngramMin;

  @Option(
      names = "--speculative-ngram-max",
      paramLabel = "N",
      defaultValue = "4",
      description = "With ngram: longest run. Default: ${DEFAULT-VALUE}")
  private int ngramMax;

  @Option(
      names = "--speculative-synthetic-accept-length",
      paramLabel = "X",
      defaultValue = "0",
      description =
          "For experiments: accept drafts, whatever they are, so that a verification gives X tokens"
              + " on average. The text is then not the model's. 0 is off. Default: 0")
  private double syntheticLength;

  /**
   * The options.
   *
   * @param spec the command that these are flags of
   * @param unlessSaid the algorithm if the user names none
   * @throws IllegalArgumentException naming a flag without its dashes
   */
  SpeculationOptions options(CommandSpec spec, Algorithm unlessSaid) {
    if (algorithm == null && unlessSaid == Algorithm.OFF) {
      requireNothingElse(spec);
    }
    return new SpeculationOptions(
        algorithm == null ? unlessSaid : algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  /** Whoever sets the number of drafts wants some: not to draft then would be no answer. */
  private static void requireNothingElse(CommandSpec spec) {
    var parsed = spec.commandLine().getParseResult();
    for (var option : parsed.matchedOptions()) {
      if (option.longestName().startsWith(PREFIX)) {
        throw new ParameterException(
            spec.commandLine(),
            option.longestName() + ": expected together with " + ALGORITHM + ", found alone");
      }
    }
  }

  /** In lower case, as they are written everywhere. */
  static final class AlgorithmName implements ITypeConverter<Algorithm> {
    @Override
    public Algorithm convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "mtp" -> Algorithm.MTP;
        case "ngram" -> Algorithm.NGRAM;
        case "off" -> Algorithm.OFF;
        default -> throw new TypeConversionException("expected mtp, ngram or off, found " + value);
      };
    }
  }

  /** Names with dashes. */
  static final class AcceptanceName implements ITypeConverter<Acceptance> {
    @Override
    public Acceptance convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "coupled" -> Acceptance.COUPLED;
        case "target-only" -> Acceptance.TARGET_ONLY;
        case "rejection" -> Acceptance.REJECTION;
        default ->
            throw new TypeConversionException(
                "expected coupled, target-only or rejection, found " + value);
      };
    }
  }
}
