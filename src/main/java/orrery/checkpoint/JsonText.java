package orrery.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

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

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private JsonText() {}

  /** A number as it is spelled; {@code whole} if it has neither fraction nor exponent. */
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
   * The JSON object that {@code text} consists of; nesting is held to the library's 1000 levels.
   *
   * @throws CheckpointException if it is something else
   */
  static Map<String, Object> object(Path file, String text) {
    try (JsonParser json = JSON.createParser(text)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        String found = json.currentToken() == null ? "nothing" : shown(value(json));
        throw new CheckpointException(file, "content", "a JSON object", found);
      }
      Map<String, Object> root = fields(json);
      if (json.nextToken() != null) {
        throw new CheckpointException(
            file, "content", "nothing after the JSON object", shown(value(json)));
      }
      return root;
    } catch (JsonProcessingException e) {
      throw broken(file, "content", e);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * The one JSON value that {@code text} consists of.
   *
   * @throws JsonProcessingException if it is no JSON, or something follows
   */
  public static Object value(String text) throws JsonProcessingException {
    try (JsonParser json = JSON.createParser(text)) {
      if (json.nextToken() == null) {
        throw new JsonParseException(json, "nothing");
      }
      Object value = value(json);
      if (json.nextToken() != null) {
        throw new JsonParseException(json, "more behind the value");
      }
      return value;
    } catch (JsonProcessingException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a string can always be read
    }
  }

  private static Map<String, Object> fields(JsonParser json) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      fields.put(name, value(json));
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
      case VALUE_NUMBER_FLOAT -> new Num(json.getText(), false);
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> NULL;
    };
  }

  /** A value as JSON for a message, shortened. */
  public static String shown(Object value) {
    return CheckpointException.shown(spelled(value));
  }

  private static String spelled(Object value) {
    return switch (value) {
      case String text -> '"' + text + '"';
      case Num number -> number.text();
      case List<?> items -> {
        StringJoiner all = new StringJoiner(",", "[", "]");
        items.forEach(item -> all.add(spelled(item)));
        yield all.toString();
      }
      case Map<?, ?> fields -> {
        StringJoiner all = new StringJoiner(",", "{", "}");
        fields.forEach((name, item) -> all.add('"' + name.toString() + "\":" + spelled(item)));
        yield all.toString();
      }
      default -> value.toString();
    };
  }

  /** {@code FILE: WHAT: expected valid JSON, found: <the parser's reason> at line L, column C}. */
  static CheckpointException broken(Path file, String what, JsonProcessingException cause) {
    String reason = cause.getOriginalMessage();
    JsonLocation at = cause.getLocation();
    String place = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    return new CheckpointException(
        file,
        what + ": expected valid JSON, found: " + CheckpointException.shown(reason) + place,
        cause);
  }
}
