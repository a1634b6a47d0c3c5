package orrery.sampling;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import orrery.grammar.Constraint;
import orrery.options.Options;

/**
 * How the tokens of one request are drawn, and where its answers end. Names and defaults are those
 * of SGLang's {@code sampling_params}, and of OpenAI's API where it has the field. {@link Sampler}
 * says in which order the parameters act.
 *
 * <pre>{@code
 * SamplingParams.defaults().withTemperature(0.8).withMaxTokens(40)
 * }</pre>
 *
 * @param temperature divides the logits; 0 takes the highest logit (greedy). Default 1
 * @param topK keep the k highest logits; 0 or -1 keeps all, and is the default
 * @param topP keep the most likely tokens up to this share of the probability. Default 1, all
 * @param minP keep tokens at least this many times as likely as the likeliest. Default 0, all
 * @param repetitionPenalty divides positive and multiplies negative logits of the tokens in prompt
 *     and answer. Default 1, none
 * @param frequencyPenalty is subtracted from a token's logit for each time that the token is in the
 *     answer. Default 0
 * @param presencePenalty is subtracted once from a token's logit if the token is in the answer.
 *     Default 0
 * @param logitBias is added to the logits; no token twice. Default none
 * @param stop texts that end the answer and are cut off; the name of a special token works too,
 *     although the token has no text. Default none
 * @param stopTokenIds tokens that end the answer, besides the model's own. Default none
 * @param ignoreEos the model's end-of-sequence tokens do not end the answer. Default false
 * @param minTokens before this many tokens, only the length ends the answer. Default 0
 * @param maxTokens the largest number of tokens of an answer. Default 128
 * @param logprobs report the log-probability of each drawn token and of this many of the likeliest
 *     (0 to 20); -1 reports none, and is the default
 * @param promptLogprobs report the same for the tokens of the prompt: the log-probability of each
 *     token after the tokens before it, and this many of the likeliest (0 to 20); -1 reports none,
 *     and is the default. vLLM's {@code prompt_logprobs}
 * @param logprobStartLen where the report of the prompt starts: its first entry is of the token
 *     behind this one, which is SGLang's {@code logprob_start_len}. Default 0, so that only the
 *     first token of the prompt has no entry
 * @param n number of answers. Default 1
 * @param seed seed of the random numbers; without one, the command or server that runs the request
 *     chooses it. Default none
 * @param constraint which texts an answer may be. The answer ends where its text is complete, and
 *     at once if nothing can follow, also within {@code min_tokens} and with {@code ignore_eos}. A
 *     stop string, {@code max_tokens} or a cancel may cut it short. Default none
 */
public record SamplingParams(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    double frequencyPenalty,
    double presencePenalty,
    List<TokenBias> logitBias,
    List<String> stop,
    List<Integer> stopTokenIds,
    boolean ignoreEos,
    int minTokens,
    int maxTokens,
    int logprobs,
    int promptLogprobs,
    int logprobStartLen,
    int n,
    OptionalLong seed,
    Optional<Constraint> constraint) {

  /** OpenAI's limit on the number of alternatives for a token. */
  public static final int MAX_LOGPROBS = 20;

  private static final OptionalLong NO_SEED = OptionalLong.empty();
  private static final Optional<Constraint> FREE = Optional.empty();

  /** Added to the logit of one token; negative infinity rules the token out. */
  public record TokenBias(int token, double bias) {
    /**
     * @throws IllegalArgumentException if the token is negative, or the bias is NaN or +infinity
     */
    public TokenBias {
      Options.check(token >= 0, "logit_bias", "token ids of at least 0", token);
      Options.check(bias < Double.POSITIVE_INFINITY, "logit_bias", "a number or -Infinity", bias);
    }
  }

  /**
   * @throws IllegalArgumentException naming the field, what was expected and what was found
   */
  public SamplingParams {
    Options.check(
        temperature >= 0 && Double.isFinite(temperature),
        "temperature",
        "a finite number of at least 0",
        temperature);
    Options.check(topK >= -1, "top_k", "a number of at least 1, or 0 or -1 for all tokens", topK);
    Options.check(topP > 0 && topP <= 1, "top_p", "a number above 0, at most 1", topP);
    Options.check(minP >= 0 && minP <= 1, "min_p", "a number from 0 to 1", minP);
    Options.check(
        repetitionPenalty > 0 && repetitionPenalty <= 2,
        "repetition_penalty",
        "a number above 0, at most 2 (1 is none)",
        repetitionPenalty);
    Options.check(
        Math.abs(frequencyPenalty) <= 2,
        "frequency_penalty",
        "a number from -2 to 2",
        frequencyPenalty);
    Options.check(
        Math.abs(presencePenalty) <= 2,
        "presence_penalty",
        "a number from -2 to 2",
        presencePenalty);
    logitBias = complete("logit_bias", logitBias);
    Set<Integer> biased = new HashSet<>();
    for (TokenBias entry : logitBias) {
      Options.check(biased.add(entry.token()), "logit_bias", "each token once", entry.token());
    }
    stop = stop instanceof StopTexts checked ? checked : stopTexts(stop);
    stopTokenIds = complete("stop_token_ids", stopTokenIds);
    for (int token : stopTokenIds) {
      Options.check(token >= 0, "stop_token_ids", "ids of at least 0", token);
    }
    Options.check(maxTokens >= 1, "max_tokens", "a number of at least 1", maxTokens);
    Options.check(
        minTokens >= 0 && minTokens <= maxTokens,
        "min_tokens",
        "a number from 0 to max_tokens (" + maxTokens + ")",
        minTokens);
    Options.check(
        logprobs >= -1 && logprobs <= MAX_LOGPROBS,
        "logprobs",
        "a number from 0 to " + MAX_LOGPROBS + ", or -1 for none",
        logprobs);
    Options.check(
        promptLogprobs >= -1 && promptLogprobs <= MAX_LOGPROBS,
        "prompt_logprobs",
        "a number from 0 to " + MAX_LOGPROBS + ", or -1 for none",
        promptLogprobs);
    Options.check(
        logprobStartLen >= 0, "logprob_start_len", "a number of at least 0", logprobStartLen);
    Options.check(n >= 1, "n", "a number of at least 1", n);
    Options.check(seed != null, "seed", "a number, or an empty optional for none", null);
    Options.check(constraint != null, "constraint", "one, or an empty optional for none", null);
  }

  /** The default parameters. */
  public static SamplingParams defaults() {
    return new SamplingParams(
        1, -1, 1, 0, 1, 0, 0, List.of(), List.of(), List.of(), false, 0, 128, -1, -1, 0, 1, NO_SEED,
        FREE);
  }

  public SamplingParams withTemperature(double temperature) {
    return Options.with(this, "temperature", temperature);
  }

  public SamplingParams withTopK(int topK) {
    return Options.with(this, "topK", topK);
  }

  public SamplingParams withTopP(double topP) {
    return Options.with(this, "topP", topP);
  }

  public SamplingParams withMinP(double minP) {
    return Options.with(this, "minP", minP);
  }

  public SamplingParams withRepetitionPenalty(double repetitionPenalty) {
    return Options.with(this, "repetitionPenalty", repetitionPenalty);
  }

  public SamplingParams withFrequencyPenalty(double frequencyPenalty) {
    return Options.with(this, "frequencyPenalty", frequencyPenalty);
  }

  public SamplingParams withPresencePenalty(double presencePenalty) {
    return Options.with(this, "presencePenalty", presencePenalty);
  }

  public SamplingParams withLogitBias(List<TokenBias> logitBias) {
    return Options.with(this, "logitBias", logitBias);
  }

  public SamplingParams withStop(List<String> stop) {
    return Options.with(this, "stop", stop);
  }

  public SamplingParams withStopTokenIds(List<Integer> stopTokenIds) {
    return Options.with(this, "stopTokenIds", stopTokenIds);
  }

  /** The same parameters, but {@code token} ends the answer too. */
  public SamplingParams alsoStoppingAt(int token) {
    List<Integer> tokens = new ArrayList<>(stopTokenIds);
    tokens.add(token);
    return withStopTokenIds(tokens);
  }

  public SamplingParams withIgnoreEos(boolean ignoreEos) {
    return Options.with(this, "ignoreEos", ignoreEos);
  }

  /** The largest number of tokens limits the smallest, so change that first. */
  public SamplingParams withMinTokens(int minTokens) {
    return Options.with(this, "minTokens", minTokens);
  }

  public SamplingParams withMaxTokens(int maxTokens) {
    return Options.with(this, "maxTokens", maxTokens);
  }

  public SamplingParams withLogprobs(int logprobs) {
    return Options.with(this, "logprobs", logprobs);
  }

  public SamplingParams withPromptLogprobs(int promptLogprobs) {
    return Options.with(this, "promptLogprobs", promptLogprobs);
  }

  public SamplingParams withLogprobStartLen(int logprobStartLen) {
    return Options.with(this, "logprobStartLen", logprobStartLen);
  }

  public SamplingParams withN(int n) {
    return Options.with(this, "n", n);
  }

  public SamplingParams withSeed(long seed) {
    return Options.with(this, "seed", OptionalLong.of(seed));
  }

  /** The answer will be one of the constraint's texts; {@code Grammars} makes constraints. */
  public SamplingParams withConstraint(Constraint constraint) {
    return Options.with(this, "constraint", Optional.of(constraint));
  }

  /**
   * Makes what all answers of a request share to look for its stop strings, so that the thread that
   * begins an answer finds it made. Any thread may call it.
   */
  public void prepare() {
    stopTexts().borders();
  }

  /** Bytes of what {@link #prepare} makes. */
  public long sharedBytes() {
    return stopTexts().tableBytes();
  }

  /** Bytes that each answer takes to look for the stop strings, beside what they share. */
  public long answerBytes() {
    return stopTexts().stateBytes();
  }

  StopTexts stopTexts() {
    return (StopTexts) stop; // the constructor made it
  }

  private static StopTexts stopTexts(List<String> stop) {
    StopTexts texts = new StopTexts(complete("stop", stop));
    for (String text : texts) {
      Options.check(!text.isEmpty(), "stop", "strings that are not empty", "\"\"");
      Options.check(isUnicode(text), "stop", "whole Unicode characters", "half a surrogate pair");
    }
    return texts;
  }

  /** Whether sampling always takes the token with the highest logit. */
  public boolean greedy() {
    return temperature == 0;
  }

  /** Whether of a row of logits only the highest is wanted, as the model computed it. */
  public boolean wantsOnlyHighest() {
    return greedy()
        && logprobs < 0
        && !penalizes()
        && logitBias.isEmpty()
        && minTokens == 0
        && constraint.isEmpty();
  }

  /** Whether the tokens seen so far change the logits. */
  boolean penalizes() {
    return repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0;
  }

  /**
   * Checks the token ids against a model's vocabulary, once for each request.
   *
   * @throws IllegalArgumentException naming the field, what was expected and what was found
   */
  public void requireTokensBelow(int vocab) {
    String expected = "ids below the vocabulary size " + vocab;
    for (TokenBias entry : logitBias) {
      Options.check(entry.token() < vocab, "logit_bias", expected, entry.token());
    }
    for (int token : stopTokenIds) {
      Options.check(token < vocab, "stop_token_ids", expected, token);
    }
    int made = constraint.map(Constraint::vocab).orElse(vocab);
    Options.check(made == vocab, "constraint", "one made for " + vocab + " token ids", made);
  }

  private static <T> List<T> complete(String field, List<T> list) {
    Options.check(list != null, field, "a list", null);
    Options.check(
        list.stream().allMatch(Objects::nonNull), field, "a list without holes", "null in it");
    return List.copyOf(list);
  }

  private static boolean isUnicode(String text) {
    return text.codePoints()
        .noneMatch(point -> point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE);
  }
}
