package orrery.sglang;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.text.Tokenizer;

/**
 * Answers of {@code /generate} as JSON. A piece of a stream has the same form as the whole answer,
 * and holds all that came before: text, ids and log-probabilities are those of the answer so far.
 * So the last piece is the answer.
 *
 * <p>Log-probabilities are written as the shortest decimals of their float: a router that reads and
 * prints them again changes nothing.
 */
public final class GenerateResponse {
  /** What {@code weight_version} says; weights never change while an engine runs. */
  static final String WEIGHTS = "default";

  private static final double LOWEST = -9999; // JSON has no -Infinity

  private final Optional<Tokenizer> tokenizer;

  public GenerateResponse(Optional<Tokenizer> tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Writes the body of whole answers: the one answer, or a list of them. */
  public void answer(JsonGenerator json, GenerateRequest request, List<Progress> answers)
      throws IOException {
    if (!request.list()) {
      write(json, answers.getFirst(), -1);
      return;
    }
    json.writeStartArray();
    for (Progress answer : answers) {
      write(json, answer, -1);
    }
    json.writeEndArray();
  }

  /** Writes a piece of a stream. */
  public void piece(JsonGenerator json, GenerateRequest request, Progress answer, int index)
      throws IOException {
    write(json, answer, request.list() ? index : -1);
  }

  private void write(JsonGenerator json, Progress a, int index) throws IOException {
    json.writeStartObject();
    if (index >= 0) {
      json.writeNumberField("index", index);
    }
    json.writeStringField("text", a.text());
    json.writeFieldName("output_ids");
    json.writeArray(a.tokens(), 0, a.count());
    json.writeObjectFieldStart("meta_info");
    json.writeStringField("id", a.prompt().rid());
    json.writeFieldName("finish_reason");
    finish(json, a);
    json.writeNumberField("prompt_tokens", a.prompt().request().prompt().length);
    json.writeStringField("weight_version", WEIGHTS);
    if (a.prompt().report().wanted()) {
      logprobs(json, a);
    }
    json.writeNumberField("completion_tokens", a.count());
    json.writeNumberField("cached_tokens", a.cachedTokens());
    json.writeNumberField("e2e_latency", a.seconds());
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void finish(JsonGenerator json, Progress a) throws IOException {
    if (a.finish() == null) {
      json.writeNull();
      return;
    }
    json.writeStartObject();
    json.writeStringField("type", a.finish().type());
    switch (a.finish()) {
      case FinishReason.StopToken s -> json.writeNumberField("matched", s.matched());
      case FinishReason.StopString s -> json.writeStringField("matched", s.matched());
      case FinishReason.Length l -> json.writeNumberField("length", a.count());
      case FinishReason.Abort x -> json.writeStringField("message", x.cause());
      case FinishReason.Complete c -> json.writeNullField("matched"); // nothing could follow
    }
    json.writeEndObject();
  }

  private void logprobs(JsonGenerator json, Progress a) throws IOException {
    GenerateRequest.Report report = a.prompt().report();
    json.writeArrayFieldStart("input_token_logprobs");
    if (report.start() >= 0) {
      int first = a.prompt().request().prompt()[report.start()];
      token(json, first, Double.NaN, report.text());
      tokens(json, a.promptLogprobs(), report.text());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("output_token_logprobs");
    tokens(json, a.logprobs(), report.text());
    json.writeEndArray();
    if (report.top() > 0) {
      json.writeArrayFieldStart("input_top_logprobs");
      if (report.start() >= 0) {
        json.writeNull();
        tops(json, a.promptLogprobs(), report.text());
      }
      json.writeEndArray();
      json.writeArrayFieldStart("output_top_logprobs");
      tops(json, a.logprobs(), report.text());
      json.writeEndArray();
    }
  }

  private void tokens(JsonGenerator json, List<Logprobs> all, boolean text) throws IOException {
    for (Logprobs l : all) {
      token(json, l.chosen().token(), l.chosen().logprob(), text);
    }
  }

  private void tops(JsonGenerator json, List<Logprobs> all, boolean text) throws IOException {
    for (Logprobs l : all) {
      json.writeStartArray();
      for (TokenLogprob t : l.top()) {
        token(json, t.token(), t.logprob(), text);
      }
      json.writeEndArray();
    }
  }

  /**
   * Writes {@code [logprob, id, text]}.
   *
   * @param logprob NaN for the first token of a report, which has none
   */
  private void token(JsonGenerator json, int id, double logprob, boolean text) throws IOException {
    json.writeStartArray();
    if (Double.isNaN(logprob)) {
      json.writeNull();
    } else {
      json.writeNumber((float) Math.max(LOWEST, logprob));
    }
    json.writeNumber(id);
    Optional<Tokenizer> names = text ? tokenizer.filter(t -> t.has(id)) : Optional.empty();
    if (names.isPresent()) {
      json.writeString(new String(names.get().bytes(id), StandardCharsets.UTF_8));
    } else {
      json.writeNull();
    }
    json.writeEndArray();
  }
}
