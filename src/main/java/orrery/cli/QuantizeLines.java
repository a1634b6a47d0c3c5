package orrery.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.List;
import orrery.lab.Fidelity.Score;
import orrery.lab.Quantize;
import orrery.lab.QuantizedMatrix;

/** The numbers of {@code orrery quantize} as JSON lines. */
final class QuantizeLines {
  private interface Line {
    void writeTo(JsonGenerator json) throws IOException;
  }

  private final StringWriter text = new StringWriter();

  private QuantizeLines() {}

  static String of(Quantize.Report report, List<Score> scores) throws IOException {
    QuantizeLines lines = new QuantizeLines();
    for (QuantizedMatrix m : report.matrices()) {
      lines.add(json -> matrix(json, m));
    }
    lines.add(
        json -> {
          json.writeNumberField("bytes_before", report.bytesBefore());
          json.writeNumberField("bytes", report.bytes());
        });
    for (Score s : scores) {
      lines.add(json -> score(json, s));
    }
    return lines.text.toString();
  }

  private void add(Line line) throws IOException {
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      line.writeTo(json);
      json.writeEndObject();
    }
    text.append('\n');
  }

  private static void matrix(JsonGenerator json, QuantizedMatrix m) throws IOException {
    json.writeStringField("tensor", m.tensor());
    json.writeStringField("codes", m.format().codes().name());
    json.writeStringField("scales", m.format().scales().name());
    json.writeNumberField("rows", m.out());
    json.writeNumberField("columns", m.in());
    json.writeNumberField("bytes_before", m.bytesBefore());
    json.writeNumberField("bytes", m.bytes());
    json.writeNumberField("bits_per_weight", m.bitsPerWeight());
    json.writeNumberField("error", m.error());
    json.writeNumberField("worst_row", m.worstRow());
    json.writeNumberField("worst_row_error", m.worstRowError());
  }

  private static void score(JsonGenerator json, Score s) throws IOException {
    json.writeStringField("text", s.kind());
    json.writeNumberField("tokens", s.rows());
    json.writeNumberField("kl", s.kl());
    json.writeNumberField("worst_kl", s.worstKl());
    json.writeNumberField("worst_passage", s.worstPassage());
    json.writeNumberField("worst_token", s.worstToken());
    json.writeNumberField("agreement", s.agreement());
    if (s.foretold() > 0) {
      json.writeNumberField("perplexity_before", s.perplexity());
      json.writeNumberField("perplexity", s.otherPerplexity());
      json.writeNumberField("right_before", s.right());
      json.writeNumberField("right", s.otherRight());
    }
  }
}
