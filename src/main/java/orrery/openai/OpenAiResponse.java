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
  private final boolean served;

  /**
   * Bodies for a file of answers. A log-probability has all digits of its double there.
   *
   * @param promptDetails whether to report how many prompt tokens came from the prefix cache, which
   *     depends on the engine's switches and on the other requests
   * @param synthetic whether to say in every body that its text is not the model's, since drafts
   *     are accepted for an experiment's sake
   */
  public OpenAiResponse(Optional<Tokenizer> tokenizer, boolean promptDetails, boolean synthetic) {
    this(new LogprobsJson(tokenizer, false), promptDetails, synthetic, false);
  }

  private OpenAiResponse(
      LogprobsJson logprobs, boolean promptDetails, boolean synthetic, boolean served) {
    this.logprobs = logprobs;
    this.promptDetails = promptDetails;
    this.synthetic = synthetic;
    this.served = served;
  }

  /**
   * Bodies for a server's clients. A log-probability is the nearest float, in the fewest digits
   * that tell it: a router that reads and prints it again keeps it.
   */
  public static OpenAiResponse served(
      Optional<Tokenizer> tokenizer, boolean promptDetails, boolean synthetic) {
    LogprobsJson brief = new LogprobsJson(tokenizer, true);
    return new OpenAiResponse(brief, promptDetails, synthetic, true);
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
   * @param answers [prompts][choices]
   */
  public void answer(
      JsonGenerator json,
      String id,
      long created,
      OpenAiRequest request,
      List<List<Answer>> answers)
      throws IOException {
    start(json, id, created, request, false);
    json.writeArrayFieldStart("choices");
    for (int prompt = 0; prompt < answers.size(); prompt++) {
      for (Answer a : answers.get(prompt)) {
        choice(json, request, Piece.whole(request, prompt, a));
      }
    }
    json.writeEndArray();
    usage(request, answers).write(json);
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

  /** Writes all fields that stand before the choices. */
  void start(JsonGenerator json, String id, long created, OpenAiRequest request, boolean chunk)
      throws IOException {
    start(json);
    boolean chat = request.chat();
    json.writeStringField("id", (chat ? "chatcmpl-" : "cmpl-") + id);
    String kind = chunk ? "chat.completion.chunk" : "chat.completion";
    json.writeStringField("object", chat ? kind : "text_completion");
    json.writeNumberField("created", created);
    json.writeStringField("model", request.model());
  }

  private void choice(JsonGenerator json, OpenAiRequest request, Piece piece) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", piece.index());
    if (request.chat()) {
      json.writeObjectFieldStart("message");
      json.writeStringField("role", "assistant");
      json.writeStringField("content", piece.text());
      if (served) {
        json.writeNullField("refusal");
      }
      json.writeEndObject();
    } else {
      json.writeStringField("text", piece.text());
    }
    rest(json, request, piece);
    json.writeEndObject();
  }

  /**
   * Writes the choice of a chunk.
   *
   * @param first whether it is the choice's first chunk
   */
  void delta(JsonGenerator json, OpenAiRequest request, Piece piece, boolean first)
      throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", piece.index());
    if (request.chat()) {
      json.writeObjectFieldStart("delta");
      if (first) {
        json.writeStringField("role", "assistant");
      }
      json.writeStringField("content", piece.text());
      json.writeEndObject();
    } else {
      json.writeStringField("text", piece.text());
    }
    rest(json, request, piece);
    json.writeEndObject();
  }

  /** Writes what a choice has beside its text. */
  private void rest(JsonGenerator json, OpenAiRequest request, Piece piece) throws IOException {
    json.writeFieldName("logprobs");
    if (request.params().logprobs() < 0) {
      json.writeNull();
    } else if (request.chat()) {
      logprobs.chat(json, piece.scored().stream().map(Piece.Scored::logprobs).toList());
    } else {
      logprobs.completion(json, piece.scored());
    }
    end(json, piece.finish());
    if (request.tokenIds()) {
      json.writeFieldName("token_ids");
      json.writeArray(piece.tokenIds(), 0, piece.tokenIds().length);
    }
  }

  private static void end(JsonGenerator json, FinishReason finish) throws IOException {
    if (finish == null) {
      json.writeNullField("finish_reason");
      return;
    }
    json.writeStringField("finish_reason", finish.type());
    switch (finish) {
      case FinishReason.StopToken s -> json.writeNumberField("matched_stop", s.matched());
      case FinishReason.StopString s -> json.writeStringField("matched_stop", s.matched());
      case FinishReason.Complete c -> json.writeNullField("matched_stop");
      case FinishReason.Length l -> json.writeNullField("matched_stop");
      case FinishReason.Abort x -> json.writeNullField("matched_stop");
    }
  }

  /** The counts of a request. */
  Usage usage(OpenAiRequest request, List<List<Answer>> answers) {
    return Usage.of(request, answers, promptDetails);
  }
}
