package orrery.openai;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import orrery.engine.Answer;
import orrery.sampling.FinishReason;
import orrery.text.Tokenizer;

/** Bodies of answers, as OpenAI's API writes them. */
public final class OpenAiResponse {
  private final LogprobsJson logprobs;
  private final boolean promptDetails;
  private final boolean synthetic;

  /**
   * @param promptDetails whether to report how many prompt tokens came from the prefix cache, which
   *     depends on the engine's switches and on the other requests
   * @param synthetic whether to say in every body that its text is not the model's, since drafts
   *     are accepted for an experiment's sake
   */
  public OpenAiResponse(Optional<Tokenizer> tokenizer, boolean promptDetails, boolean synthetic) {
    this.logprobs = new LogprobsJson(tokenizer);
    this.promptDetails = promptDetails;
    this.synthetic = synthetic;
  }

  /** Why there is no answer: an HTTP status, OpenAI's error type, the field, the message. */
  public record Problem(int status, String type, String field, String message) {
    /** The request can never be answered. */
    public static Problem invalid(String field, String message) {
      return new Problem(400, "invalid_request_error", field, message);
    }
  }

  /**
   * Writes the body of an answer, a {@code text_completion} or a {@code chat.completion}.
   *
   * @param id of the answer, without the part that tells its kind
   * @param created seconds since 1970
   */
  public void answer(
      JsonGenerator json, String id, long created, OpenAiRequest request, List<Answer> answers)
      throws IOException {
    start(json);
    json.writeStringField("id", (request.chat() ? "chatcmpl-" : "cmpl-") + id);
    json.writeStringField("object", request.chat() ? "chat.completion" : "text_completion");
    json.writeNumberField("created", created);
    json.writeStringField("model", request.model());
    json.writeArrayFieldStart("choices");
    for (Answer a : answers) {
      choice(json, request, a);
    }
    json.writeEndArray();
    usage(json, answers);
    json.writeEndObject();
  }

  /** Writes the body that says why there is no answer. */
  public void refusal(JsonGenerator json, Problem problem) throws IOException {
    start(json);
    json.writeObjectFieldStart("error");
    json.writeStringField("message", problem.message());
    json.writeStringField("type", problem.type());
    json.writeStringField("param", problem.field());
    json.writeNullField("code");
    json.writeEndObject();
    json.writeEndObject();
  }

  private void start(JsonGenerator json) throws IOException {
    json.writeStartObject();
    if (synthetic) {
      json.writeBooleanField("synthetic_acceptance", true);
    }
  }

  private void choice(JsonGenerator json, OpenAiRequest request, Answer a) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", a.choice());
    if (request.chat()) {
      json.writeObjectFieldStart("message");
      json.writeStringField("role", "assistant");
      json.writeStringField("content", a.text());
      json.writeEndObject();
    } else {
      json.writeStringField("text", a.text());
    }
    json.writeFieldName("logprobs");
    if (request.request().params().logprobs() < 0) {
      json.writeNull();
    } else if (request.chat()) {
      logprobs.chat(json, a.logprobs());
    } else {
      logprobs.completion(json, a.logprobs(), a.textOffsets());
    }
    json.writeStringField("finish_reason", a.finish().type());
    switch (a.finish()) {
      case FinishReason.StopToken s -> json.writeNumberField("matched_stop", s.matched());
      case FinishReason.StopString s -> json.writeStringField("matched_stop", s.matched());
      case FinishReason.Complete c -> json.writeNullField("matched_stop");
      case FinishReason.Length l -> json.writeNullField("matched_stop");
      case FinishReason.Abort x -> json.writeNullField("matched_stop");
    }
    if (request.tokenIds()) {
      json.writeFieldName("token_ids");
      json.writeArray(a.tokens(), 0, a.tokens().length);
    }
    json.writeEndObject();
  }

  private void usage(JsonGenerator json, List<Answer> answers) throws IOException {
    int prompt = answers.getFirst().promptTokens();
    int completion = answers.stream().mapToInt(a -> a.tokens().length).sum();
    json.writeObjectFieldStart("usage");
    json.writeNumberField("prompt_tokens", prompt);
    json.writeNumberField("completion_tokens", completion);
    json.writeNumberField("total_tokens", prompt + completion);
    if (promptDetails) {
      json.writeObjectFieldStart("prompt_tokens_details");
      json.writeNumberField("cached_tokens", answers.getFirst().cachedTokens());
      json.writeEndObject();
    }
    json.writeEndObject();
  }
}
