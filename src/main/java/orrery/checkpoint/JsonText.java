package orrery.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A JSON document as plain Java values: {@code Map<String, Object>}, {@code List<Object>}, {@link
 * String}, {@link Boolean}, {@link Num} and {@link #NULL}. Numbers keep their spelling, so that a
 * message shows what the file says.
 *
 * <p>Only the streaming half of Jackson is used: its object mapper alone would take about 200 ms of
 * a cold start.
 */
public final class JsonText {
  /** JSON's {@code null}. */
  public static final Object NULL =
      new Object() {
        @Override
        public String toString() {
          return "null";
        }
      };

  static final int MAX_DEPTH = 1_000;
  private static final int SPELLED = 100; // characters of a value; a message shows fewer

  /** JSON as the standard defines it. */
  private static final JsonFactory STRICT = factory(false);

  /** JSON as Python writes it, with {@code NaN}, {@code Infinity} and {@code -Infinity}. */
  private static final JsonFactory LENIENT = factory(true);

  private JsonText() {}

  /** Only the depth is limited here: the length of a file is checked before it is read. */
  private static JsonFactory factory(boolean nonNumbers) {
    StreamReadConstraints limits =
        StreamReadConstraints.builder()
            .maxNestingDepth(MAX_DEPTH)
            .maxNameLength(Integer.MAX_VALUE)
            .maxStringLength(Integer.MAX_VALUE)
            .maxNumberLength(Integer.MAX_VALUE)
            .build();
    return JsonFactory.builder()
        .streamReadConstraints(limits)
        .configure(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS, nonNumbers)
        .build();
  }

  /** A parser for a file of a model that is too long to be kept as values. */
  public static JsonParser parser(Reader text) throws IOException {
    return LENIENT.createParser(text);
  }

  /** A number as the text spells it; {@code whole} if it has neither fraction nor exponent. */
  public record Num(String text, boolean whole) {
    /** Whether this is a whole number within int. */
    public boolean isInt() {
      return whole && text.length() <= 11 && Long.parseLong(text) == toInt();
    }

    /** Its value, if {@link #isInt}. */
    public int toInt() {
      return (int) Long.parseLong(text);
    }
  }

  /**
   * The JSON object in a file of a model. It may be nested 1,000 levels deep, and hold Python's
   * {@code NaN} and infinities.
   *
   * @throws CheckpointException if it is something else
   */
  static Map<String, Object> object(Path file, String text) {
    try {
      Object value = value(LENIENT, text);
      if (value instanceof Map<?, ?> root) {
        Map<String, Object> fields = new LinkedHashMap<>();
        root.forEach((name, field) -> fields.put((String) name, field));
        return fields;
      }
      throw new CheckpointException(file, "content", "a JSON object", shown(value));
    } catch (JsonFault e) {
      throw new CheckpointException(
          file, "content: expected valid JSON, found " + e.getMessage(), e);
    }
  }

  /**
   * The one JSON value that {@code text} consists of.
   *
   * @throws JsonFault if the text is not JSON, or more text follows the value
   */
  public static Object value(String text) throws JsonFault {
    return value(STRICT, text);
  }

  private static Object value(JsonFactory factory, String text) throws JsonFault {
    try (JsonParser json = factory.createParser(text)) {
      if (json.nextToken() == null) {
        throw new JsonFault("nothing");
      }
      Object value = value(json);
      if (json.nextToken() != null) {
        throw new JsonFault("more after its end: " + shown(value(json)));
      }
      return value;
    } catch (JsonProcessingException e) {
      throw JsonFault.of(e, text);
    } catch (JsonFault e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a string can always be read
    }
  }

  private static Map<String, Object> fields(JsonParser json) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      JsonLocation at = json.currentTokenLocation();
      json.nextToken();
      if (fields.put(name, value(json)) != null) {
        throw JsonFault.twice(name, at);
      }
    }
    return fields;
  }

  private static Object value(JsonParser json) throws IOException {
    return switch (json.currentToken()) {
      case START_OBJECT -> fields(json);
      case START_ARRAY -> {
        List<Object> items = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          items.add(value(json));
        }
        yield items;
      }
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT -> new Num(json.getText(), true);
      case VALUE_NUMBER_FLOAT ->
          // The library also reads "-INF"; Java's spelling can be parsed again.
          new Num(json.isNaN() ? Double.toString(json.getDoubleValue()) : json.getText(), false);
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> NULL;
    };
  }

  /** A value as JSON for a message, shortened. */
  public static String shown(Object value) {
    StringBuilder text = new StringBuilder();
    spell(value, text);
    return CheckpointException.shown(text.toString());
  }

  /** Spells as much of a value as a message can show; it may have millions of items. */
  private static void spell(Object value, StringBuilder to) {
    switch (value) {
      case String text ->
          to.append('"').append(text, 0, Math.min(text.length(), SPELLED)).append('"');
      case Num number -> to.append(number.text(), 0, Math.min(number.text().length(), SPELLED));
      case List<?> items -> {
        String before = "[";
        for (Object item : items) {
          if (to.length() < SPELLED) {
            spell(item, to.append(before));
            before = ",";
          }
        }
        to.append(items.isEmpty() ? "[]" : "]");
      }
      case Map<?, ?> fields -> {
        String before = "{";
        for (Map.Entry<?, ?> field : fields.entrySet()) {
          if (to.length() < SPELLED) {
            spell(field.getKey(), to.append(before));
            spell(field.getValue(), to.append(':'));
            before = ",";
          }
        }
        to.append(fields.isEmpty() ? "{}" : "}");
      }
      default -> to.append(value);
    }
  }
}
