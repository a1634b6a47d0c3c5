package orrery.lab;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * Every point of every round as JSON lines, for pictures of others, and for {@link FrontierPoints}.
 */
final class FrontierJson {
  private FrontierJson() {}

  static String text(List<FrontierResult> results) {
    StringWriter text = new StringWriter();
    for (FrontierResult result : results) {
      for (FrontierCurve curve : result.curves()) {
        for (int round = 0; round < curve.rounds().size(); round++) {
          for (OperatingPoint p : curve.rounds().get(round)) {
            line(text, result, curve.name(), round, p);
          }
        }
      }
    }
    return text.toString();
  }

  private static void line(
      StringWriter text, FrontierResult result, String name, int round, OperatingPoint p) {
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("model", result.model());
      json.writeStringField("description", result.description());
      json.writeNumberField("input", result.load().input());
      json.writeNumberField("output", result.load().output());
      json.writeStringField("configuration", name);
      json.writeNumberField("round", round);
      json.writeNumberField("concurrency", p.concurrency());
      json.writeNumberField("tokens_per_second_per_user", p.interactivity());
      json.writeNumberField("tokens_per_second_with_wait", p.whole());
      json.writeNumberField("tpot_ms", p.tpot());
      json.writeNumberField("ttft_ms", p.ttft());
      json.writeNumberField("total_tokens_per_second", p.total());
      json.writeNumberField("output_tokens_per_second", p.output());
      json.writeNumberField("tokens_per_verification", p.verified());
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a text can always be written
    }
    text.append('\n');
  }
}
