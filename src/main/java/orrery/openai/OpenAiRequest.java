package orrery.openai;

import java.util.ArrayList;
import java.util.List;
import orrery.checkpoint.CheckpointException;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.text.Message;
import orrery.text.TokenizerException;

/**
 * A body for {@code /v1/completions} or {@code /v1/chat/completions}, with the extra fields of vLLM
 * and SGLang, as a request to the engine.
 *
 * @param request to the engine
 * @param chat whether a chat answer is wanted
 * @param model the name to be echoed
 * @param tokenIds whether the answer's token ids are wanted too
 * @param names what the body calls the engine's fields
 */
public record OpenAiRequest(
    Request request, boolean chat, String model, boolean tokenIds, FieldNames names) {
  /** OpenAI's limit. Every choice is a sequence, so no body may ask for a million of them. */
  public static final int MAX_N = 128;

  private static final int COMPLETION_TOKENS = 16; // OpenAI's default for /v1/completions

  /** Reads bodies for one model. */
  public static final class Reader {
    private final LoadedModel loaded;
    private final int longest; // tokens of prompt and answer

    /**
     * @param longest most tokens of prompt and answer that context and cache have room for; a chat
     *     that does not limit its answer may use all of them
     */
    public Reader(LoadedModel loaded, int longest) {
      this.loaded = loaded;
      this.longest = longest;
    }

    /**
     * Reads the fields of a body that decide its answer. How the answer is sent ({@code stream},
     * {@code echo}) and what becomes of unknown fields is the caller's affair.
     *
     * @param seed for a body that names none
     * @throws FieldException naming the field, what was expected and what was found
     */
    public OpenAiRequest read(Fields body, boolean chat, long seed) {
      FieldNames names = FieldNames.of(body, chat);
      int[] prompt = prompt(body, chat);
      int room = Math.max(1, longest - prompt.length);
      int most = body.intOr("max_tokens", chat ? room : COMPLETION_TOKENS);
      if (chat) {
        most = body.intOr("max_completion_tokens", most);
      }
      SamplingParams params = params(body, names, most, seed);
      String model = body.stringOr("model", directoryName());
      boolean tokenIds = body.boolOr("return_token_ids", false);
      String salt = body.stringOr("cache_salt", "");
      if (salt.isEmpty() && body.has("cache_salt")) {
        body.fail("cache_salt", "a string that is not empty");
      }
      int priority = body.intOr("priority", 0);
      body.ignore("user", "metadata", "store", "service_tier", "safety_identifier");
      params = chat ? loaded.endingWithTheTurn(params) : params;
      Request request = Request.of(prompt, params).withPriority(priority).withSalt(salt);
      return new OpenAiRequest(request, chat, model, tokenIds, names);
    }

    private String directoryName() {
      return loaded.directory().toAbsolutePath().normalize().getFileName().toString();
    }

    /** The prompt's tokens; a text that the tokenizer cannot take is a mistake of the body. */
    private int[] prompt(Fields body, boolean chat) {
      try {
        return chat ? messages(body) : prompt(body);
      } catch (TokenizerException e) {
        throw FieldException.at(body.path(chat ? "messages" : "prompt"), e.getMessage());
      }
    }

    private int[] prompt(Fields body) {
      String expected = "text or a list of token ids, not empty";
      if (body.value("prompt", expected) instanceof String text) {
        if (loaded.tokenizer().isEmpty()) {
          body.fail("prompt", "token ids (the model has no tokenizer)");
        }
        int[] ids = loaded.requireTokenizer().encode(text);
        return ids.length > 0 ? ids : body.fail("prompt", expected);
      }
      List<Integer> ids = body.ints("prompt", expected);
      return ids.isEmpty()
          ? body.fail("prompt", expected)
          : ids.stream().mapToInt(i -> i).toArray();
    }

    private int[] messages(Fields body) {
      List<Message> messages = new ArrayList<>();
      for (Object item : body.list("messages", "a list of messages, not empty")) {
        Fields message = Fields.of(body.item("messages", messages.size()), item);
        String role = message.string("role");
        if (!Message.ROLES.contains(role)) {
          message.fail("role", "one of " + String.join(", ", Message.ROLES));
        }
        messages.add(new Message(role, content(message)));
        message.requireNothingElse();
      }
      try {
        return loaded.chatFormat().require().encode(messages);
      } catch (CheckpointException e) {
        throw new FieldException("url", "/v1/completions (" + e.getMessage() + ")", "a chat");
      }
    }

    /** Text, or OpenAI's list of parts of type text. */
    private static String content(Fields message) {
      String expected = "text or a list of {\"type\":\"text\",\"text\":…}";
      if (message.value("content", expected) instanceof String text) {
        return text;
      }
      StringBuilder all = new StringBuilder();
      int parts = 0;
      for (Object item : message.list("content", expected)) {
        Fields part = Fields.of(message.item("content", parts++), item);
        if (!part.string("type").equals("text")) {
          part.fail("type", "\"text\"");
        }
        all.append(part.string("text"));
        part.requireNothingElse();
      }
      return all.toString();
    }

    private static SamplingParams params(Fields body, FieldNames names, int most, long seed) {
      try {
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
            .withMaxTokens(most)
            .withMinTokens(minTokens(body, names, most))
            .withLogprobs(names.chat() ? chatLogprobs(body) : logprobs(body, "logprobs", -1))
            .withN(between(body, "n", 1, 1, MAX_N))
            .withSeed(body.longOrNone("seed").orElse(seed));
      } catch (IllegalArgumentException e) {
        throw names.refused(e.getMessage());
      }
    }

    private static int between(Fields body, String field, int fallback, int least, int most) {
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
}
