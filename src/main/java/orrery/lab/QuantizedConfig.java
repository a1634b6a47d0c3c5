package orrery.lab;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonText;

/** The config of a quantised model: that of the model with some fields more. */
final class QuantizedConfig {
  private QuantizedConfig() {}

  /**
   * Adds fields to a config; every other character stays as it was.
   *
   * @param config a JSON object with at least one field
   * @param fields maps, lists, texts, booleans and ints; a null is JSON's. A field that the config
   *     has already gets the new value.
   */
  static String of(String config, Map<String, Object> fields) throws IOException {
    Map<String, Object> missing = new LinkedHashMap<>(fields);
    StringBuilder text = new StringBuilder();
    int copied = 0; // characters of config
    try (JsonParser in = JsonText.parser(new StringReader(config))) {
      in.nextToken();
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String name = in.currentName();
        in.nextToken();
        int from = Math.toIntExact(in.currentTokenLocation().getCharOffset());
        in.skipChildren();
        if (missing.containsKey(name)) {
          text.append(config, copied, from).append(json(missing.remove(name)));
          copied = Math.toIntExact(in.currentLocation().getCharOffset());
        }
      }
    }
    int end = config.lastIndexOf('}');
    text.append(config, copied, config.substring(0, end).stripTrailing().length());
    missing.forEach(
        (name, value) -> text.append(",\n  ").append('"' + name + "\": ").append(json(value)));
    return text.append('\n').append(config, end, config.length()).toString();
  }

  /** A value as it stands in an object that is indented by 2. */
  private static String json(Object value) {
    StringWriter text = new StringWriter();
    DefaultIndenter lines = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter()
            .withObjectIndenter(lines)
            .withArrayIndenter(lines)
            .withSeparators(
                Separators.createDefaultInstance()
                    .withObjectFieldValueSpacing(Separators.Spacing.AFTER));
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.setPrettyPrinter(printer);
      write(json, value);
    } catch (IOException e) {
      throw new AssertionError(e); // a StringWriter takes everything
    }
    return text.toString().replace("\n", "\n  ");
  }

  static void write(JsonGenerator json, Object value) throws IOException {
    switch (value) {
      case null -> json.writeNull();
      case String s -> json.writeString(s);
      case Boolean b -> json.writeBoolean(b);
      case Integer n -> json.writeNumber(n);
      case Long n -> json.writeNumber(n);
      case Double n -> json.writeNumber(n);
      case List<?> list -> {
        json.writeStartArray();
        for (Object element : list) {
          write(json, element);
        }
        json.writeEndArray();
      }
      case Map<?, ?> map -> {
        json.writeStartObject();
        for (Map.Entry<?, ?> field : map.entrySet()) {
          json.writeFieldName((String) field.getKey());
          write(json, field.getValue());
        }
        json.writeEndObject();
      }
      default -> throw new IllegalArgumentException("no JSON value: " + value);
    }
  }
}
