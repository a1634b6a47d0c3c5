package orrery.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.List;
import orrery.engine.Answer;
import orrery.openai.OpenAiRequest;
import orrery.openai.OpenAiResponse;
import orrery.openai.OpenAiResponse.Problem;

/**
 * Lines of a batch's answers, as OpenAI's batch API writes them. Ids are made from the line's
 * number, and {@code created} is 0, so that the same file gives the same bytes.
 */
final class BatchResponse {
  private static final JsonFactory JSON = new JsonFactory();

  private final OpenAiResponse bodies;

  BatchResponse(OpenAiResponse bodies) {
    this.bodies = bodies;
  }

  /** A line that answers a request. */
  String answer(int line, String customId, OpenAiRequest request, List<Answer> answers) {
    return write(
        json -> {
          start(json, line, customId, 200);
          bodies.answer(json, String.valueOf(line), 0, request, List.of(answers));
          json.writeEndObject();
          json.writeNullField("error");
        });
  }

  /**
   * A line that says why there is no answer: as OpenAI's HTTP answer in its body, and as its batch
   * API's error.
   *
   * @param customId null if the line has none
   */
  String refusal(int line, String customId, Problem problem) {
    return write(
        json -> {
          start(json, line, customId, problem.status());
          bodies.refusal(json, problem);
          json.writeEndObject();
          json.writeObjectFieldStart("error");
          json.writeStringField("code", problem.type());
          json.writeStringField("message", problem.message());
          json.writeEndObject();
        });
  }

  /** Everything up to the body. */
  private static void start(JsonGenerator json, int line, String customId, int status)
      throws IOException {
    json.writeStringField("id", "batch_req_" + line);
    json.writeStringField("custom_id", customId);
    json.writeObjectFieldStart("response");
    json.writeNumberField("status_code", status);
    json.writeStringField("request_id", "req_" + line);
    json.writeFieldName("body");
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
