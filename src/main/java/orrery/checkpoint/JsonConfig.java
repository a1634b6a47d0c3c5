package orrery.checkpoint;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import orrery.checkpoint.JsonText.Num;

/**
 * A careful, typed view of a file with one JSON object, such as {@code config.json}. Each accessor
 * reads and checks one field. Its error names the file, the field, what was expected and what was
 * found: {@code m/config.json: hidden_size: expected a positive integer, found "abc"}.
 *
 * <p>Nothing is coerced: 1.5, 1.0, 1e3 and "1" are no integers. A field that is {@code null} counts
 * as absent, since transformers writes absent values so. Fields that the loader does not read are
 * ignored, since configs have many of them.
 *
 * <p>Every accessor throws {@link CheckpointException}: if a required field is absent, or if the
 * field has another type or range.
 */
public final class JsonConfig {
  /** Far more than any real config needs, and far less than what would fill the memory. */
  private static final long MAX_BYTES = 64L << 20;

  private final Path file;
  private final String prefix; // "" or "rope_parameters."
  private final Map<String, Object> object; // see JsonText for the value types

  private JsonConfig(Path file, String prefix, Map<String, Object> object) {
    this.file = file;
    this.prefix = prefix;
    this.object = object;
  }

  /**
   * Reads the JSON object in {@code file}.
   *
   * @throws CheckpointException if the file is missing, too large, not UTF-8, not JSON, or no JSON
   *     object
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
      LfsPointer.refuse(file);
      return new JsonConfig(file, "", JsonText.object(file, Files.readString(file)));
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file, "content: expected UTF-8 text, found other bytes", e);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
  }

  /** The file, for messages about several fields. */
  public Path file() {
    return file;
  }

  /** A field's name as messages show it, after the name of the object that it is in. */
  public String name(String field) {
    return CheckpointException.shown(prefix + field);
  }

  /** A field's value as the file spells it, shortened. */
  public String shown(String field) {
    return JsonText.shown(object.getOrDefault(field, JsonText.NULL));
  }

  /** Whether {@code field} is there and not null. */
  public boolean has(String field) {
    return object.getOrDefault(field, JsonText.NULL) != JsonText.NULL;
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
    String expected = "a number within float32's range";
    Object value = required(field, expected);
    double number = value instanceof Num num ? Double.parseDouble(num.text()) : Double.NaN;
    if (!Float.isFinite((float) number)) {
      throw bad(field, expected, JsonText.shown(value));
    }
    return number;
  }

  /** A number whose float32 value is finite, or {@code fallback} if the field is absent. */
  public double numberOr(String field, double fallback) {
    return has(field) ? number(field) : fallback;
  }

  /** A required {@code true} or {@code false}. */
  public boolean bool(String field) {
    return typed(Boolean.class, field, "true or false");
  }

  /** {@code true} or {@code false}, or {@code fallback} if the field is absent. */
  public boolean boolOr(String field, boolean fallback) {
    return has(field) ? bool(field) : fallback;
  }

  /** A value of any kind, as a value of {@link JsonText}; {@link JsonText#NULL} if it is absent. */
  public Object any(String field) {
    return object.getOrDefault(field, JsonText.NULL);
  }

  /** A required string. */
  public String string(String field) {
    return typed(String.class, field, "a string");
  }

  /** A string, or {@code fallback} if the field is absent. */
  public String stringOr(String field, String fallback) {
    return has(field) ? string(field) : fallback;
  }

  /** A required string that must be one of {@code allowed}. */
  public String oneOf(String field, String... allowed) {
    List<String> values = Arrays.asList(allowed);
    String expected = (allowed.length == 1 ? "" : "one of ") + String.join(", ", values);
    String value = typed(String.class, field, expected);
    if (!values.contains(value)) {
      throw bad(field, expected, JsonText.shown(value));
    }
    return value;
  }

  /** A required nested object. */
  public JsonConfig object(String field) {
    Map<?, ?> nested = typed(Map.class, field, "an object");
    Map<String, Object> fields = new LinkedHashMap<>();
    nested.forEach((name, value) -> fields.put((String) name, value));
    return new JsonConfig(file, prefix + field + ".", fields);
  }

  /** A nested object, or empty if the field is absent. */
  public Optional<JsonConfig> optionalObject(String field) {
    return has(field) ? Optional.of(object(field)) : Optional.empty();
  }

  /**
   * A required integer or list of integers, none of them negative; {@code eos_token_id} may be
   * either.
   */
  public int[] ints(String field) {
    String expected = "a non-negative integer or a list of them";
    Object value = required(field, expected);
    List<?> items = value instanceof List<?> list ? list : List.of(value);
    int[] ints = new int[items.size()];
    for (int i = 0; i < ints.length; i++) {
      if (!(items.get(i) instanceof Num num && num.isInt()) || num.toInt() < 0) {
        throw bad(field, expected, JsonText.shown(value));
      }
      ints[i] = num.toInt();
    }
    return ints;
  }

  /** As {@link #ints}, or no values if the field is absent. */
  public int[] intsOrNone(String field) {
    return has(field) ? ints(field) : new int[0];
  }

  /** A list of strings, or an empty one if the field is absent. */
  public List<String> stringsOrNone(String field) {
    if (!has(field)) {
      return List.of();
    }
    String expected = "a list of strings";
    List<?> items = typed(List.class, field, expected);
    if (!items.stream().allMatch(String.class::isInstance)) {
      throw bad(field, expected, JsonText.shown(items));
    }
    return items.stream().map(String.class::cast).toList();
  }

  /**
   * Refuses a field that would change the numbers of a model and that Orrery does not support.
   *
   * @throws CheckpointException if the field is there and not null
   */
  public void requireAbsent(String field) {
    if (has(field)) {
      throw bad(field, "none", JsonText.shown(object.get(field)));
    }
  }

  /** The names of all fields that are not null, in the order of the file. */
  public List<String> fields() {
    return object.keySet().stream().filter(this::has).toList();
  }

  /** Every field of this object, in the order of the file; each value must be a string. */
  public Map<String, String> strings() {
    Map<String, String> fields = new LinkedHashMap<>();
    object.keySet().forEach(field -> fields.put(field, string(field)));
    return fields;
  }

  /** The error for a field with a well-formed value that does not fit the other fields. */
  public CheckpointException bad(String field, String expected, String found) {
    return new CheckpointException(file, name(field), expected, found);
  }

  private int intAtLeast(int least, String field, String expected) {
    Object value = required(field, expected);
    if (value instanceof Num num && num.isInt() && num.toInt() >= least) {
      return num.toInt();
    }
    throw bad(field, expected, JsonText.shown(value));
  }

  private <T> T typed(Class<T> type, String field, String expected) {
    Object value = required(field, expected);
    if (!type.isInstance(value)) {
      throw bad(field, expected, JsonText.shown(value));
    }
    return type.cast(value);
  }

  private Object required(String field, String expected) {
    Object value = object.get(field);
    if (value == null || value == JsonText.NULL) {
      throw bad(field, expected, value == null ? "no such field" : "null");
    }
    return value;
  }
}
