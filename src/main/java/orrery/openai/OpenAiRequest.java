package orrery.openai;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;

/**
 * A body for {@code /v1/completions} or {@code /v1/chat/completions}, with the extra fields of vLLM
 * and SGLang, as requests to the engine: one for each prompt.
 *
 * @param requests to the engine, with the same parameters
 * @param echo the prompts that the answers repeat, if the body asks for that
 * @param delivery how the answer is sent
 * @param chat whether a chat answer is wanted
 * @param model the name to be echoed
 * @param tokenIds whether the answer's token ids are wanted too
 * @param names what the body calls the engine's fields
 * @param bootstrap the fields of {@link Bootstrap}, unread; none in a batch
 */
public record OpenAiRequest(
    List<Request> requests,
    Optional<Echo> echo,
    Delivery delivery,
    boolean chat,
    String model,
    boolean tokenIds,
    FieldNames names,
    Fields bootstrap) {
  /** OpenAI's limit. Every choice is a sequence, so no body may ask for a million of them. */
  public static final int MAX_N = 128;

  public OpenAiRequest {
    requests = List.copyOf(requests);
  }

  /** The first prompt's request: the only one in a line of a batch. */
  public Request request() {
    return requests.getFirst();
  }

  /** The parameters of all requests. */
  SamplingParams params() {
    return request().params();
  }

  /** How many choices the whole answer has. */
  int choices() {
    return requests.size() * params().n();
  }

  /** The index of a prompt's choice among all choices. */
  int index(int prompt, int choice) {
    return prompt * params().n() + choice;
  }

  int promptTokens() {
    return requests.stream().mapToInt(r -> r.prompt().length).sum();
  }

  /** Whether the answer is the prompt and nothing else. */
  boolean echoAlone() {
    return echo.isPresent() && echo.get().alone();
  }

  /** Characters (code points) of the repeated prompt. */
  int echoLength(int prompt) {
    return echo.map(e -> e.prompts().get(prompt).length()).orElse(0);
  }

  /** Reads bodies of one model strictly: a line of a batch has one prompt. */
  public static final class Reader {
    private final LoadedModel loaded;
    private final PromptFields prompts;
    private final int longest; // tokens of prompt and answer

    /**
     * @param longest most tokens of prompt and answer that context and cache have room for; a chat
     *     that does not limit its answer may use all of them
     */
    public Reader(LoadedModel loaded, int longest) {
      this.loaded = loaded;
      this.prompts = new PromptFields(loaded, Integer.MAX_VALUE, true);
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
      int[] prompt = (chat ? prompts.chat(body) : prompts.one(body)).tokens();
      int most = SamplingFields.maxTokens(body, names, longest - prompt.length);
      SamplingParams params = SamplingFields.params(body, names, most, OptionalLong.of(seed));
      String model = body.stringOr("model", directoryName());
      boolean tokenIds = body.boolOr("return_token_ids", false);
      String salt = SamplingFields.salt(body);
      int priority = body.intOr("priority", 0);
      body.ignore("user", "metadata", "store", "service_tier", "safety_identifier");
      params = chat ? loaded.endingWithTheTurn(params) : params;
      Request request =
          Request.of(prompt, params)
              .withPriority(priority)
              .withSalt(salt)
              .withRetention(RetentionFields.read(body));
      return new OpenAiRequest(
          List.of(request),
          Optional.empty(),
          Delivery.WHOLE,
          chat,
          model,
          tokenIds,
          names,
          Fields.of("", Map.of()));
    }

    private String directoryName() {
      return loaded.directory().toAbsolutePath().normalize().getFileName().toString();
    }
  }
}
