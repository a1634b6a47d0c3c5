package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/**
 * The flags that say how tokens are drawn and when an answer ends. Names are those of SGLang and
 * OpenAI's API.
 */
final class SamplingFlags {
  static final String TEMPERATURE = "--temperature";

  @ArgGroup(validate = false, order = 2, heading = "%nHow tokens are drawn:%n")
  private Draw draw = new Draw();

  @ArgGroup(validate = false, order = 3, heading = "%nWhen an answer ends:%n")
  private End end = new End();

  private static final class Draw {
    @Option(
        names = TEMPERATURE,
        paramLabel = "T",
        description = "0 takes the likeliest token every time (greedy). Default: 0")
    private double temperature = 0;

    @Option(
        names = "--top-k",
        paramLabel = "K",
        description = "Draw among the K likeliest tokens; -1 all. Default: ${DEFAULT-VALUE}")
    private int topK = -1;

    @Option(
        names = "--top-p",
        paramLabel = "P",
        description =
            "Draw among the likeliest tokens that together have probability P. Default: 1, all")
    private double topP = 1;

    @Option(
        names = "--min-p",
        paramLabel = "P",
        description = "Drop tokens below P times the likeliest one's probability. Default: 0")
    private double minP;

    @Option(
        names = "--seed",
        paramLabel = "S",
        description =
            "Seed of the draws: same seed, same answer, on every machine. Default:"
                + " ${DEFAULT-VALUE}")
    private long seed;

    @Option(
        names = "--repetition-penalty",
        paramLabel = "X",
        description = "Divides logits of tokens seen in prompt or answer. Default: 1, none")
    private double repetitionPenalty = 1;

    @Option(
        names = "--frequency-penalty",
        paramLabel = "X",
        description = "Subtracted from a logit for each time its token was generated. Default: 0")
    private double frequencyPenalty;

    @Option(
        names = "--presence-penalty",
        paramLabel = "X",
        description = "Subtracted from the logit of every token generated so far. Default: 0")
    private double presencePenalty;

    @Option(
        names = "--logit-bias",
        paramLabel = "ID=X",
        description = "Adds X to the logit of a token id; may be repeated")
    private Map<Integer, Double> logitBias = Map.of();

    private List<TokenBias> bias() {
      List<TokenBias> bias = new ArrayList<>();
      logitBias.forEach((token, value) -> bias.add(new TokenBias(token, value)));
      return bias;
    }
  }

  private static final class End {
    @Option(
        names = {"-n", "--max-tokens"},
        paramLabel = "N",
        description = "Most tokens of the answer. Default: ${DEFAULT-VALUE}")
    private int maxTokens = 128;

    @Option(
        names = "--min-tokens",
        paramLabel = "N",
        description = "Fewest tokens before the answer may end. Default: ${DEFAULT-VALUE}")
    private int minTokens;

    @Option(
        names = "--stop",
        paramLabel = "TEXT",
        description = "End the answer where TEXT would come; may be repeated")
    private List<String> stop = List.of();

    @Option(
        names = "--stop-token-id",
        paramLabel = "ID",
        description = "End the answer at this token; may be repeated")
    private List<Integer> stopTokenIds = List.of();

    @Option(names = "--ignore-eos", description = "Go on when the model ends its answer")
    private boolean ignoreEos;
  }

  /** The long names of all flags of this class. */
  static String[] names() {
    return CommandSpec.forAnnotatedObject(new SamplingFlags()).options().stream()
        .map(OptionSpec::longestName)
        .toArray(String[]::new);
  }

  /** The parameters of one answer, as the flags say. */
  SamplingParams params() {
    return SamplingParams.defaults()
        .withTemperature(draw.temperature)
        .withTopK(draw.topK)
        .withTopP(draw.topP)
        .withMinP(draw.minP)
        .withRepetitionPenalty(draw.repetitionPenalty)
        .withFrequencyPenalty(draw.frequencyPenalty)
        .withPresencePenalty(draw.presencePenalty)
        .withLogitBias(draw.bias())
        .withSeed(draw.seed)
        .withStop(end.stop)
        .withStopTokenIds(end.stopTokenIds)
        .withIgnoreEos(end.ignoreEos)
        .withMaxTokens(end.maxTokens)
        .withMinTokens(end.minTokens);
  }
}
