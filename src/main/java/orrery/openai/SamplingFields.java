package orrery.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;

/** Reads the fields of a body that say how tokens are drawn and where an answer ends. */
public final class SamplingFields {
  private static final int COMPLETION_TOKENS = 16; // OpenAI's default for /v1/completions

  private SamplingFields() {}

  /**
   * The largest number of tokens of an answer.
   *
   * @param room tokens behind the prompt that a chat without a limit may use
   */
  static int maxTokens(Fields body, FieldNames names, int room) {
    int fallback = names.chat() ? Math.max(1, room) : COMPLETION_TOKENS;
    int most = body.intOr("max_tokens", fallback);
    return names.maxTokens().equals("max_tokens") && !names.chat()
        ? most
        : body.intOr("max_completion_tokens", most);
  }

  /** What isolates a tenant in the prefix cache; empty for none. */
  static String salt(Fields body) {
    String salt = body.stringOr("cache_salt", "");
    return salt.isEmpty() && body.has("cache_salt")
        ? body.fail("cache_salt", "a string that is not empty")
        : salt;
  }

  /**
   * All parameters.
   *
   * @param fallback the seed of a body that names none; empty leaves it to the engine
   */
  static SamplingParams params(Fields body, FieldNames names, int most, OptionalLong fallback) {
    OptionalLong own = body.longOrNone("seed");
    OptionalLong seed = own.isPresent() ? own : fallback;
    try {
      SamplingParams params =
          common(body)
              .withMaxTokens(most)
              .withMinTokens(minTokens(body, names, most))
              .withLogprobs(names.chat() ? chatLogprobs(body) : logprobs(body, "logprobs", -1));
      return seed.isPresent() ? params.withSeed(seed.getAsLong()) : params;
    } catch (IllegalArgumentException e) {
      throw names.refused(e.getMessage());
    }
  }

  /**
   * The fields that OpenAI's and SGLang's bodies call alike.
   *
   * @throws IllegalArgumentException {@code FIELD: PROBLEM}, if the parameters refuse a value
   */
  public static SamplingParams common(Fields body) {
    return SamplingParams.defaults()
        .withTemperature(body.numberOr("temperature", 1))
        .withTopK(body.intOr("top_k", -1))
        .withTopP(body.numberOr("top_p", 1))
        .withMinP(body.numberOr("min_p", 0))
        .withRepetitionPenalty(body.numberOr("repetition_penalty", 1))
        .withFrequencyPenalty(body.numberOr("frequency_penalty", 0))
        .withPresencePenalty(body.numberOr("presence_penalty", 0))
        .withLogitBias(bias(body))
        .withStop(stop(body))
        .withStopTokenIds(body.ints("stop_token_ids", "a list of token ids"))
        .withIgnoreEos(body.boolOr("ignore_eos", false))
        .withN(between(body, "n", 1, 1, OpenAiRequest.MAX_N));
  }

  static int between(Fields body, String field, int fallback, int least, int most) {
    int value = body.intOr(field, fallback);
    return body.has(field) && (value < least || value > most)
        ? body.fail(field, "a number from " + least + " to " + most)
        : value;
  }

  private static int minTokens(Fields body, FieldNames names, int most) {
    int least = body.intOr("min_tokens", 0);
    return most >= 1 && (least < 0 || least > most)
        ? body.fail("min_tokens", "a number from 0 to " + names.maxTokens() + " (" + most + ")")
        : least;
  }

  private static int logprobs(Fields body, String field, int fallback) {
    return between(body, field, fallback, 0, SamplingParams.MAX_LOGPROBS);
  }

  private static int chatLogprobs(Fields body) {
    boolean wanted = body.boolOr("logprobs", false);
    if (body.has("top_logprobs") && !wanted) {
      body.fail("top_logprobs", "together with logprobs true");
    }
    return wanted ? logprobs(body, "top_logprobs", 0) : -1;
  }

  private static List<String> stop(Fields body) {
    List<String> stop = body.strings("stop");
    if (stop.size() > 1 && stop.contains("")) {
      String at = body.item("stop", stop.indexOf(""));
      throw new FieldException(at, "a string that is not empty", "\"\"");
    }
    return stop;
  }

  private static List<TokenBias> bias(Fields body) {
    List<TokenBias> biases = new ArrayList<>();
    if (body.has("logit_bias")) {
      Fields map = body.object("logit_bias");
      for (String token : map.names()) {
        if (!token.matches("\\d{1,9}")) {
          throw new FieldException(
              body.path("logit_bias"), "token ids as names", Fields.shown(token));
        }
        biases.add(new TokenBias(Integer.parseInt(token), map.numberOr(token, 0)));
      }
    }
    return biases;
  }
}
