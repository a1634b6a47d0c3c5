package orrery.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A careful, typed view of a JSON object file such as {@code config.json}. Each accessor takes one
 * field, checks it and says on failure which file, which field, what it expected and what it found:
 * {@code m/config.json: hidden_size: expected a positive integer, found "abc"}.
 *
 * <p>Nothing is coerced: 1.5, 1.0, 1e3 and "1" are no integers. A field that is {@code null} counts
 * as absent, as transformers writes it. Fields that nobody asks for are ignored, since configs
 * carry many.
 */
public final class JsonConfig {
  /** Far above any real config, far below what would hurt. */
  private static final long MAX_BYTES = 64L << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Path file;
  private final String prefix; // "" or "rope_parameters."
  private final JsonNode object;

  private JsonConfig(Path file, String prefix, JsonNode object) {
    this.file = file;
    this.prefix = prefix;
    this.object = object;
  }

  /**
   * Reads the JSON object in {@code file}.
   *
   * @throws CheckpointException if the file is missing, too large, no UTF-8, no JSON or no object
   */
  public static JsonConfig read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file, Files.exists(file) ? "not a file" : "no such file");
    }
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new CheckpointException(
            file, "size", "at most " + MAX_BYTES + " bytes of JSON", Long.toString(size));
      }
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      JsonNode root = JSON.readTree(text);
      if (!root.isObject()) {
        String found = root.isMissingNode() ? "nothing" : shown(root);
        throw new CheckpointException(file, "content", "a JSON object", found);
      }
      return new JsonConfig(file, "", root);
    } catch (JsonProcessingException e) {
      throw JsonText.broken(file, "content", e);
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file, "content: expected UTF-8 text, found other bytes", e);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
  }

  /** The file, for messages of checks that span several fields. */
  public Path file() {
    return file;
  }

  /** Whether {@code field} is there and not null. */
  public boolean has(String field) {
    return object.hasNonNull(field);
  }

  /** A required integer of at least 1. */
  public int positiveInt(String field) {
    return intAtLeast(1, field, "a positive integer");
  }

  /** A required integer of at least 0. */
  public int nonNegativeInt(String field) {
    return intAtLeast(0, field, "a non-negative integer");
  }

  /** An integer of at least 1, or {@code fallback} if the field is absent. */
  public int positiveIntOr(String field, int fallback) {
    return has(field) ? positiveInt(field) : fallback;
  }

  /** An integer of at least 0, or {@code fallback} if the field is absent. */
  public int nonNegativeIntOr(String field, int fallback) {
    return has(field) ? nonNegativeInt(field) : fallback;
  }

  /** Any int, or {@code fallback} if the field is absent. */
  public int intOr(String field, int fallback) {
    return has(field) ? intAtLeast(Integer.MIN_VALUE, field, "an integer") : fallback;
  }

  /** A required number whose float32 value is finite. */
  public double number(String field) {
    JsonNode node = required(field, "a number");
    if (!node.isNumber() || !Float.isFinite(node.floatValue())) {
      throw bad(field, "a number within float32's range", shown(node));
    }
    return node.doubleValue();
  }

  /** A number whose float32 value is finite, or {@code fallback} if the field is absent. */
  public double numberOr(String field, double fallback) {
    return has(field) ? number(field) : fallback;
  }

  /** A required {@code true} or {@code false}. */
  public boolean bool(String field) {
    JsonNode node = required(field, "true or false");
    if (!node.isBoolean()) {
      throw bad(field, "true or false", shown(node));
    }
    return node.booleanValue();
  }

  /** {@code true} or {@code false}, or {@code fallback} if the field is absent. */
  public boolean boolOr(String field, boolean fallback) {
    return has(field) ? bool(field) : fallback;
  }

  /** A required string. */
  public String string(String field) {
    JsonNode node = required(field, "a string");
    if (!node.isTextual()) {
      throw bad(field, "a string", shown(node));
    }
    return node.textValue();
  }

  /** A string, or {@code fallback} if the field is absent. */
  public String stringOr(String field, String fallback) {
    return has(field) ? string(field) : fallback;
  }

  /** A required string that must be one of {@code allowed}. */
  public String oneOf(String field, String... allowed) {
    List<String> values = Arrays.asList(allowed);
    String expected = (allowed.length == 1 ? "" : "one of ") + String.join(", ", values);
    JsonNode node = required(field, expected);
    if (!node.isTextual() || !values.contains(node.textValue())) {
      throw bad(field, expected, shown(node));
    }
    return node.textValue();
  }

  /** A required nested object. */
  public JsonConfig object(String field) {
    JsonNode node = required(field, "an object");
    if (!node.isObject()) {
      throw bad(field, "an object", shown(node));
    }
    return new JsonConfig(file, prefix + field + ".", node);
  }

  /** A nested object, or empty if the field is absent. */
  public Optional<JsonConfig> optionalObject(String field) {
    return has(field) ? Optional.of(object(field)) : Optional.empty();
  }

  /** A required integer, or list of integers, none negative: {@code eos_token_id} is either. */
  public int[] ints(String field) {
    String expected = "a non-negative integer or a list of them";
    JsonNode node = required(field, expected);
    JsonNode[] items = {node};
    if (node.isArray()) {
      items = new JsonNode[node.size()];
      Arrays.setAll(items, node::get);
    }
    int[] values = new int[items.length];
    for (int i = 0; i < items.length; i++) {
      if (!isInt(items[i]) || items[i].intValue() < 0) {
        throw bad(field, expected, shown(node));
      }
      values[i] = items[i].intValue();
    }
    return values;
  }

  /** As {@link #ints}, or no values if the field is absent. */
  public int[] intsOrNone(String field) {
    return has(field) ? ints(field) : new int[0];
  }

  /** Every field of this object, all of which must be strings, in the order of the file. */
  public Map<String, String> strings() {
    Map<String, String> fields = new LinkedHashMap<>();
    object.fieldNames().forEachRemaining(field -> fields.put(field, string(field)));
    return fields;
  }

  /** The error for a field whose value is well-formed but does not fit the rest. */
  public CheckpointException bad(String field, String expected, String found) {
    return new CheckpointException(
        file, CheckpointException.shown(prefix + field), expected, found);
  }

  private int intAtLeast(int least, String field, String expected) {
    JsonNode node = required(field, expected);
    if (!isInt(node) || node.intValue() < least) {
      throw bad(field, expected, shown(node));
    }
    return node.intValue();
  }

  private JsonNode required(String field, String expected) {
    JsonNode node = object.get(field);
    if (node == null || node.isNull()) {
      throw bad(field, expected, node == null ? "no such field" : "null");
    }
    return node;
  }

  private static boolean isInt(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToInt();
  }

  private static String shown(JsonNode node) {
    return CheckpointException.shown(node.toString());
  }
}
