package orrery.openai;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;

/**
 * A strict view of a JSON object from a user. Nothing is coerced: "1" is no number and 1.0 no
 * integer. {@code null} counts as absent, as OpenAI's clients write it. The view remembers the
 * fields that were asked for, so that it can refuse an unknown field, which is mostly a misspelt
 * one.
 */
public final class Fields {
  private static final int LONGEST_NAME = 64; // a longer name is no misspelling

  private final String path; // "" or "body."
  private final Map<?, ?> object;
  private final Set<String> known = new HashSet<>();

  private Fields(String path, Map<?, ?> object) {
    this.path = path;
    this.object = object;
  }

  /**
   * The object that {@code text} holds.
   *
   * @throws FieldException if it is no JSON or no object
   */
  public static Fields parse(String text) {
    try {
      Object value = JsonText.value(text);
      if (value instanceof Map<?, ?> map) {
        return new Fields("", map);
      }
      throw new FieldException("", "a JSON object", JsonText.shown(value));
    } catch (JsonFault e) {
      throw new FieldException("", "valid JSON", e.getMessage());
    }
  }

  /**
   * The object in the body of an HTTP request, all of whose texts are whole Unicode characters.
   *
   * @throws FieldException if it is no UTF-8, no JSON or no object, or has half a surrogate pair
   */
  public static Fields parse(byte[] body) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
      Fields fields = parse(text);
      WholeCharacters.require("", fields.object);
      return fields;
    } catch (CharacterCodingException e) {
      throw new FieldException("", "text in UTF-8", "other bytes");
    }
  }

  /** The fields of {@code value}, an object at {@code path}; the empty path is the whole body. */
  public static Fields of(String path, Object value) {
    if (value instanceof Map<?, ?> map) {
      return new Fields(path.isEmpty() ? "" : path + ".", map);
    }
    throw new FieldException(path, "an object", JsonText.shown(value));
  }

  public boolean has(String field) {
    known.add(field);
    Object value = object.get(field);
    return value != null && value != JsonText.NULL;
  }

  /** A value of any type that must be there. */
  public Object value(String field, String expected) {
    if (!has(field)) {
      throw new FieldException(path + field, expected, object.containsKey(field) ? "null" : "none");
    }
    return object.get(field);
  }

  public String string(String field) {
    String expected = "a string";
    return value(field, expected) instanceof String s ? s : fail(field, expected);
  }

  public String stringOr(String field, String fallback) {
    return has(field) ? string(field) : fallback;
  }

  public boolean boolOr(String field, boolean fallback) {
    String expected = "true or false";
    return !has(field)
        ? fallback
        : object.get(field) instanceof Boolean b ? b : fail(field, expected);
  }

  public int intOr(String field, int fallback) {
    if (!has(field)) {
      return fallback;
    }
    return object.get(field) instanceof Num n && n.isInt()
        ? n.toInt()
        : fail(field, "an integer of 32 bits");
  }

  public OptionalLong longOrNone(String field) {
    if (!has(field)) {
      return OptionalLong.empty();
    }
    try {
      if (object.get(field) instanceof Num n && n.whole()) {
        return OptionalLong.of(Long.parseLong(n.text()));
      }
    } catch (NumberFormatException e) {
      // longer than a long: said below
    }
    return fail(field, "an integer of 64 bits");
  }

  public double numberOr(String field, double fallback) {
    if (!has(field)) {
      return fallback;
    }
    return object.get(field) instanceof Num n
        ? Double.parseDouble(n.text())
        : fail(field, "a number");
  }

  public Fields object(String field) {
    return of(path + field, value(field, "an object"));
  }

  /** A list with at least one entry. */
  public List<?> list(String field, String expected) {
    return value(field, expected) instanceof List<?> list && !list.isEmpty()
        ? list
        : fail(field, expected);
  }

  /** One string, or a list of strings; none if absent. */
  public List<String> strings(String field) {
    if (!has(field)) {
      return List.of();
    }
    if (object.get(field) instanceof String single) {
      return List.of(single);
    }
    List<String> strings = new ArrayList<>();
    for (Object item : items(field, "a string or a list of strings")) {
      String at = item(field, strings.size());
      strings.add(item instanceof String s ? s : refuse(at, "a string", item));
    }
    return strings;
  }

  /** A list of token ids; none if absent. */
  public List<Integer> ints(String field, String expected) {
    if (!has(field)) {
      return List.of();
    }
    return tokenIds(path + field, items(field, expected));
  }

  /** The token ids in a list at {@code path}. */
  static List<Integer> tokenIds(String path, List<?> items) {
    List<Integer> ids = new ArrayList<>(items.size());
    for (Object item : items) {
      ids.add(
          item instanceof Num n && n.isInt()
              ? n.toInt()
              : refuse(path + "[" + ids.size() + "]", "a token id", item));
    }
    return ids;
  }

  private List<?> items(String field, String expected) {
    return object.get(field) instanceof List<?> list ? list : fail(field, expected);
  }

  /** The path of one item of a list: {@code body.stop[3]}. */
  public String item(String field, int index) {
    return path + field + "[" + index + "]";
  }

  /** Names of an object's fields, all of which count as known. */
  public Set<String> names() {
    Set<String> names = new HashSet<>();
    object.keySet().forEach(name -> names.add((String) name));
    known.addAll(names);
    return names;
  }

  /** Takes note of fields that are allowed and mean nothing here. */
  public void ignore(String... fields) {
    known.addAll(List.of(fields));
  }

  /**
   * @throws FieldException if a field is there (and not null) that was never asked for
   */
  public void requireNothingElse() {
    for (Map.Entry<?, ?> field : object.entrySet()) {
      String name = (String) field.getKey();
      if (!known.contains(name) && field.getValue() != JsonText.NULL) {
        String all = "one of the fields " + String.join(", ", new TreeSet<>(known));
        String at = path + CheckpointException.shown(name);
        String hint = nearest(name).map(n -> "did you mean " + n + "? ").orElse("");
        throw new FieldException(at, hint, all, JsonText.shown(field.getValue()));
      }
    }
  }

  /** The absent field that {@code name} is probably a misspelling of. */
  private Optional<String> nearest(String name) {
    List<String> absent = known.stream().filter(n -> !object.containsKey(n)).toList();
    return name.length() > LONGEST_NAME ? Optional.empty() : Nearest.to(name, absent);
  }

  /** A name for a message. */
  public static String shown(String name) {
    return '"' + CheckpointException.shown(name) + '"';
  }

  /** The path of a field. */
  public String path(String field) {
    return path + field;
  }

  /** Refuses the value of a field. */
  public <T> T fail(String field, String expected) {
    return refuse(path + field, expected, object.get(field));
  }

  static <T> T refuse(String path, String expected, Object found) {
    throw new FieldException(path, expected, JsonText.shown(found));
  }
}
