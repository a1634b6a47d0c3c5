package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import picocli.CommandLine.Option;

/** How tokens are drawn and when an answer ends; names as in SGLang and OpenAI's API. */
final class SamplingFlags {
  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "0 takes the likeliest token every time (greedy). Default: ${DEFAULT-VALUE}")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "-1",
      description = "Draw among the K likeliest tokens; -1 all. Default: ${DEFAULT-VALUE}")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description =
          "Draw among the likeliest tokens that together have probability P. Default:"
              + " ${DEFAULT-VALUE}")
  private double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      defaultValue = "0",
      description = "Drop tokens below P times the likeliest one's probability. Default: 0")
  private double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      defaultValue = "1",
      description = "Divides logits of tokens seen in prompt or answer. Default: 1, none")
  private double repetitionPenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "X",
      defaultValue = "0",
      description = "Subtracted from a logit for each time its token was generated. Default: 0")
  private double frequencyPenalty;

  @Option(
      names = "--presence-penalty",
      paramLabel = "X",
      defaultValue = "0",
      description = "Subtracted from the logit of every token generated so far. Default: 0")
  private double presencePenalty;

  @Option(
      names = "--logit-bias",
      paramLabel = "ID=X",
      description = "Adds X to the logit of a token id; may be repeated")
  private Map<Integer, Double> logitBias = Map.of();

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

  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "128",
      description = "Most tokens of the answer. Default: ${DEFAULT-VALUE}")
  private int maxTokens;

  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Fewest tokens before the answer may end. Default: ${DEFAULT-VALUE}")
  private int minTokens;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      defaultValue = "-1",
      description = "Report log-probabilities of each token and of the N likeliest; -1 none")
  private int logprobs;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description =
          "Seed of the draws: same seed, same answer, on every machine. Default: ${DEFAULT-VALUE}")
  private long seed;

  long seed() {
    return seed;
  }

  SamplingParams params() {
    List<TokenBias> bias = new ArrayList<>();
    logitBias.forEach((token, value) -> bias.add(new TokenBias(token, value)));
    return SamplingParams.builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .repetitionPenalty(repetitionPenalty)
        .frequencyPenalty(frequencyPenalty)
        .presencePenalty(presencePenalty)
        .logitBias(bias)
        .stop(stop)
        .stopTokenIds(stopTokenIds)
        .ignoreEos(ignoreEos)
        .maxTokens(maxTokens)
        .minTokens(minTokens)
        .logprobs(logprobs)
        .seed(seed)
        .build();
  }
}
