package orrery.openai;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.List;
import java.util.Optional;
import orrery.engine.Answer;
import orrery.sampling.FinishReason;
import orrery.text.Tokenizer;

/**
 * Lines of a batch's answers, as OpenAI's batch API writes them. Ids are made from the line's
 * number, and {@code created} is 0, so that the same file gives the same bytes.
 */
public final class OpenAiResponse {
  private static final JsonFactory JSON = new JsonFactory();

  private final LogprobsJson logprobs;
  private final boolean promptDetails;
  private final boolean synthetic;

  /**
   * @param promptDetails whether to report how many prompt tokens came from the prefix cache, which
   *     depends on the engine's switches and on the other requests
   * @param synthetic whether to say in every line that its text is not the model's, since drafts
   *     are accepted for an experiment's sake
   */
  public OpenAiResponse(Optional<Tokenizer> tokenizer, boolean promptDetails, boolean synthetic) {
    this.logprobs = new LogprobsJson(tokenizer);
    this.promptDetails = promptDetails;
    this.synthetic = synthetic;
  }

  /** The error of a line: an HTTP status, OpenAI's error type, the field, the message. */
  public record Problem(int status, String type, String field, String message) {
    public static Problem invalid(String field, String message) {
      return new Problem(400, "invalid_request_error", field, message);
    }
  }

  /** A line that answers a request. */
  public String answer(int line, String customId, OpenAiRequest request, List<Answer> answers) {
    return write(
        json -> {
          start(json, line, customId, 200);
          json.writeStringField("id", (request.chat() ? "chatcmpl-" : "cmpl-") + line);
          json.writeStringField("object", request.chat() ? "chat.completion" : "text_completion");
          json.writeNumberField("created", 0);
          json.writeStringField("model", request.model());
          json.writeArrayFieldStart("choices");
          for (Answer a : answers) {
            choice(json, request, a);
          }
          json.writeEndArray();
          usage(json, answers);
          json.writeEndObject(); // body
          json.writeEndObject(); // response
          json.writeNullField("error");
        });
  }

  /**
   * A line that says why there is no answer: as OpenAI's HTTP answer in its body, and as its batch
   * API's error.
   *
   * @param customId null if the line has none
   */
  public String refusal(int line, String customId, Problem problem) {
    return write(
        json -> {
          start(json, line, customId, problem.status());
          json.writeObjectFieldStart("error");
          json.writeStringField("message", problem.message());
          json.writeStringField("type", problem.type());
          json.writeStringField("param", problem.field());
          json.writeNullField("code");
          json.writeEndObject();
          json.writeEndObject(); // body
          json.writeEndObject(); // response
          json.writeObjectFieldStart("error");
          json.writeStringField("code", problem.type());
          json.writeStringField("message", problem.message());
          json.writeEndObject();
        });
  }

  /** Everything up to the fields that an answer and a refusal do not share. */
  private void start(JsonGenerator json, int line, String customId, int status) throws IOException {
    json.writeStringField("id", "batch_req_" + line);
    json.writeStringField("custom_id", customId);
    json.writeObjectFieldStart("response");
    json.writeNumberField("status_code", status);
    json.writeStringField("request_id", "req_" + line);
    json.writeObjectFieldStart("body");
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

  /** Fields of an object. */
  private interface Body {
    void write(JsonGenerator json) throws IOException;
  }

  private static String write(Body fields) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      fields.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("a string can always be written", e);
    }
    return text.toString();
  }
}
