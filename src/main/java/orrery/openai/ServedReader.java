package orrery.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.grammar.Constraint;
import orrery.prefix.RetentionConfig;
import orrery.sampling.SamplingParams;

/**
 * Reads bodies that come over HTTP. It reads the same fields in the same way as a line of a batch
 * ({@link OpenAiRequest.Reader}), with these differences: a body may have several prompts, want its
 * prompt repeated, and want a stream; unknown fields pass; and what a body may ask for is limited,
 * since anyone may send it.
 */
public final class ServedReader {
  /** Most prompts of a body, and most choices of all its prompts together. */
  public static final int MAX_CHOICES = 1024;

  /** Most stop strings, and most stop tokens: each token of an answer is compared with all. */
  public static final int MAX_STOPS = 256;

  /** Most characters of a stop string: so many may have to be held back from a stream. */
  public static final int MAX_STOP_CHARS = 1024;

  /** Most characters of all stop strings: each has an entry in a table while the call waits. */
  public static final int MAX_STOP_TEXT = 16_384;

  /** More characters than any tokenizer has in all its tokens on average. */
  public static final long CHARS_PER_TOKEN = 64;

  private final LoadedModel loaded;
  private final ServedModel model;
  private final PromptFields prompts;
  private final ConstraintFields constraints;

  public ServedReader(LoadedModel loaded, ServedModel model) {
    this.loaded = loaded;
    this.model = model;
    this.prompts = new PromptFields(loaded, model.longest(), false);
    this.constraints = new ConstraintFields(loaded);
  }

  /**
   * Reads a body. One that names no seed leaves it to the engine, which takes a different one for
   * each prompt: its number among all requests.
   *
   * @throws FieldException naming the field, what was expected and what was found
   */
  public OpenAiRequest read(Fields body, boolean chat) {
    Unsupported.requireNone(body, chat);
    FieldNames names = FieldNames.served(body, chat);
    Delivery delivery = Delivery.read(body);
    List<PromptFields.Read> read =
        chat ? List.of(prompts.chat(body)) : prompts.many(body, MAX_CHOICES);
    int room = model.longest() - read.getFirst().tokens().length;
    int most = SamplingFields.maxTokens(body, names, room);
    boolean echoes = !chat && body.boolOr("echo", false);
    boolean alone = echoes && most == 0;
    SamplingParams params =
        SamplingFields.params(body, names, alone ? 1 : most, OptionalLong.empty());
    requireFewChoices(body, read.size(), params.n());
    requireFewStops("", params);
    params = echoes ? params.withPromptLogprobs(params.logprobs()) : params;
    params = chat ? loaded.endingWithTheTurn(params) : params;
    Optional<Constraint> constraint = constraints.read(body);
    params = constraint.isPresent() ? params.withConstraint(constraint.get()) : params;
    String salt = Salt.of(SamplingFields.salt(body), body.stringOr("extra_key", ""));
    int priority = body.intOr("priority", 0);
    RetentionConfig retention = RetentionFields.read(body);
    List<Request> requests = new ArrayList<>();
    List<Echo.Prompt> echoed = new ArrayList<>();
    for (PromptFields.Read prompt : read) {
      requests.add(
          Request.of(prompt.tokens(), params)
              .withPriority(priority)
              .withSalt(salt)
              .withRetention(retention));
      if (echoes) {
        echoed.add(Echo.of(loaded.tokenizer().orElse(null), prompt.written(), prompt.tokens()));
      }
    }
    return new OpenAiRequest(
        requests,
        echoes ? Optional.of(new Echo(echoed, alone)) : Optional.empty(),
        delivery,
        chat,
        body.stringOr("model", model.name()),
        body.boolOr("return_token_ids", false),
        names,
        Bootstrap.in(body));
  }

  /**
   * Orrery computes no answer that it does not return, so {@code best_of} can only be {@code n}.
   */
  private static void requireFewChoices(Fields body, int prompts, int n) {
    if (body.intOr("best_of", n) != n) {
      body.fail(
          "best_of", "the same number as n (" + n + "), since the best of more is not supported");
    }
    long choices = (long) prompts * n;
    if (choices > MAX_CHOICES) {
      String found = prompts + " prompts times n " + n;
      throw new FieldException("n", "at most " + MAX_CHOICES + " choices in all", found);
    }
  }

  /**
   * Refuses more stop conditions than a server compares with each token.
   *
   * @param path in front of the fields
   */
  public static void requireFewStops(String path, SamplingParams params) {
    if (params.stop().size() > MAX_STOPS) {
      throw new FieldException(
          path + "stop", "at most " + MAX_STOPS + " strings", params.stop().size() + "");
    }
    int all = 0;
    for (String stop : params.stop()) {
      all += stop.length(); // of few strings, of which the next line lets none be long
      if (stop.length() > MAX_STOP_CHARS) {
        String most = "strings of at most " + MAX_STOP_CHARS + " characters";
        throw new FieldException(path + "stop", most, stop.length() + "");
      }
    }
    if (all > MAX_STOP_TEXT) {
      String most = "at most " + MAX_STOP_TEXT + " characters in all strings";
      throw new FieldException(path + "stop", most, all + "");
    }
    if (params.stopTokenIds().size() > MAX_STOPS) {
      String found = params.stopTokenIds().size() + "";
      throw new FieldException(path + "stop_token_ids", "at most " + MAX_STOPS + " tokens", found);
    }
  }
}
