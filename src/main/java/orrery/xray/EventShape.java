package orrery.xray;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;
import orrery.events.Event;
import orrery.openai.FieldException;
import orrery.openai.Fields;

/**
 * What an event of a trace must look like: the fields of its record, with their types. Whether its
 * numbers fit those of other events is not checked. Further fields pass.
 */
final class EventShape {
  private static final String MISSING = "none, as in a trace of another version of Orrery";

  private static final Map<String, Class<?>> EVENTS = new HashMap<>(); // by their names

  static {
    add(Event.class);
  }

  private EventShape() {}

  private static void add(Class<?> type) {
    if (type.isRecord()) {
      EVENTS.put(type.getSimpleName(), type);
    } else {
      Arrays.stream(type.getPermittedSubclasses()).forEach(EventShape::add);
    }
  }

  /**
   * Checks an event, and returns its name.
   *
   * @throws FieldException naming the field, such as {@code TokenOut.token}
   */
  static String require(Object event) {
    String name = Fields.of("", event).string("event");
    Class<?> type = EVENTS.get(name);
    if (type == null) {
      throw new FieldException("event", "the name of an event of Orrery", Fields.shown(name));
    }
    record(name, type, event);
    return name;
  }

  private static void record(String path, Class<?> type, Object value) {
    Fields fields = Fields.of(path, value);
    for (RecordComponent c : type.getRecordComponents()) {
      String name = c.getName();
      String at = path + "." + name;
      boolean number = c.getType() == float.class || c.getType() == double.class;
      Object found = ((Map<?, ?>) value).get(name);
      if (found == null) {
        throw new FieldException(at, expected(c.getGenericType()), MISSING);
      }
      if (!number) { // null stands for a number that is none
        found = fields.value(name, expected(c.getGenericType()));
      }
      value(at, c.getGenericType(), found);
    }
  }

  private static void value(String at, Type type, Object found) {
    switch (type) {
      case ParameterizedType p when p.getRawType() == List.class ->
          list(at, p.getActualTypeArguments()[0], found);
      case ParameterizedType p -> {
        Type values = p.getActualTypeArguments()[1];
        Fields map = Fields.of(at, found);
        map.names().forEach(n -> value(at + "." + n, values, map.value(n, expected(values))));
      }
      case Class<?> c when c.isArray() -> list(at, c.getComponentType(), found);
      case Class<?> c when c.isRecord() -> record(at, c, found);
      case Class<?> c -> {
        if (!fits(c, found)) {
          throw new FieldException(at, expected(c), JsonText.shown(found));
        }
      }
      default -> throw new IllegalStateException(at + " is a " + type);
    }
  }

  private static void list(String at, Type items, Object found) {
    if (!(found instanceof List<?> list)) {
      throw new FieldException(at, "a list", JsonText.shown(found));
    }
    for (int i = 0; i < list.size(); i++) {
      value(at + "[" + i + "]", items, list.get(i));
    }
  }

  private static boolean fits(Class<?> type, Object found) {
    if (type.isEnum()) {
      return words(type).contains(found);
    }
    return switch (type.getName()) {
      case "int" -> found instanceof Num n && n.isInt();
      case "long" -> found instanceof Num n && n.whole() && isLong(n.text());
      case "float", "double" -> found instanceof Num || found == JsonText.NULL;
      case "boolean" -> found instanceof Boolean;
      case "java.lang.String" -> found instanceof String;
      default -> throw new IllegalStateException("an event has a " + type);
    };
  }

  private static boolean isLong(String digits) {
    return digits.length() <= 20 && new BigInteger(digits).bitLength() < Long.SIZE;
  }

  private static List<String> words(Class<?> type) {
    List<String> all = new ArrayList<>();
    for (Object word : type.getEnumConstants()) {
      all.add(word.toString());
    }
    return all;
  }

  private static String expected(Type type) {
    return switch (type) {
      case ParameterizedType p when p.getRawType() == List.class -> "a list";
      case Class<?> c when c.isArray() -> "a list";
      case Class<?> c when c.isEnum() -> "one of " + String.join(", ", words(c));
      case Class<?> c when c == int.class -> "an integer of 32 bits";
      case Class<?> c when c == long.class -> "an integer of 64 bits";
      case Class<?> c when c == float.class || c == double.class -> "a number or null";
      case Class<?> c when c == boolean.class -> "true or false";
      case Class<?> c when c == String.class -> "a string";
      default -> "an object";
    };
  }
}
