package orrery.sampling;

import java.util.List;
import java.util.OptionalLong;
import orrery.sampling.SamplingParams.TokenBias;

/**
 * Collects {@link SamplingParams} one by one, starting from the defaults; {@link #build} checks
 * them. Each method has the name of a field of the record, which says what the field means.
 */
public final class SamplingParamsBuilder {
  private double temperature = 1;
  private int topK = -1;
  private double topP = 1;
  private double minP = 0;
  private double repetitionPenalty = 1;
  private double frequencyPenalty = 0;
  private double presencePenalty = 0;
  private boolean ignoreEos = false;
  private int minTokens = 0;
  private int maxTokens = 128;
  private int logprobs = -1;
  private int n = 1;
  private List<TokenBias> logitBias = List.of();
  private List<String> stop = List.of();
  private List<Integer> stopTokenIds = List.of();
  private OptionalLong seed = OptionalLong.empty();

  SamplingParamsBuilder() {}

  public SamplingParamsBuilder temperature(double temperature) {
    this.temperature = temperature;
    return this;
  }

  public SamplingParamsBuilder topK(int topK) {
    this.topK = topK;
    return this;
  }

  public SamplingParamsBuilder topP(double topP) {
    this.topP = topP;
    return this;
  }

  public SamplingParamsBuilder minP(double minP) {
    this.minP = minP;
    return this;
  }

  public SamplingParamsBuilder repetitionPenalty(double repetitionPenalty) {
    this.repetitionPenalty = repetitionPenalty;
    return this;
  }

  public SamplingParamsBuilder frequencyPenalty(double frequencyPenalty) {
    this.frequencyPenalty = frequencyPenalty;
    return this;
  }

  public SamplingParamsBuilder presencePenalty(double presencePenalty) {
    this.presencePenalty = presencePenalty;
    return this;
  }

  public SamplingParamsBuilder ignoreEos(boolean ignoreEos) {
    this.ignoreEos = ignoreEos;
    return this;
  }

  public SamplingParamsBuilder minTokens(int minTokens) {
    this.minTokens = minTokens;
    return this;
  }

  public SamplingParamsBuilder maxTokens(int maxTokens) {
    this.maxTokens = maxTokens;
    return this;
  }

  public SamplingParamsBuilder logprobs(int logprobs) {
    this.logprobs = logprobs;
    return this;
  }

  public SamplingParamsBuilder n(int n) {
    this.n = n;
    return this;
  }

  public SamplingParamsBuilder logitBias(List<TokenBias> logitBias) {
    this.logitBias = logitBias;
    return this;
  }

  public SamplingParamsBuilder stop(List<String> stop) {
    this.stop = stop;
    return this;
  }

  public SamplingParamsBuilder stopTokenIds(List<Integer> stopTokenIds) {
    this.stopTokenIds = stopTokenIds;
    return this;
  }

  public SamplingParamsBuilder seed(long seed) {
    this.seed = OptionalLong.of(seed);
    return this;
  }

  /**
   * @throws IllegalArgumentException naming the field, what was expected and what was found
   */
  public SamplingParams build() {
    return new SamplingParams(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        stop,
        stopTokenIds,
        ignoreEos,
        minTokens,
        maxTokens,
        logprobs,
        n,
        seed);
  }
}
