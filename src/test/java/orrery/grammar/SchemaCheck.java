package orrery.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/**
 * A small validator of JSON Schema over Jackson's tree. It looks at values, and knows nothing of
 * texts or automata.
 */
record SchemaCheck(JsonNode root) {

  boolean valid(JsonNode value) {
    return valid(root, value);
  }

  private boolean valid(JsonNode s, JsonNode v) {
    if (s.isBoolean()) {
      return s.booleanValue();
    }
    if (s.has("$ref") && !valid(root.at(s.get("$ref").asText().substring(1)), v)) {
      return false;
    }
    return typed(s, v)
        && (!s.has("const") || s.get("const").equals(v))
        && (!s.has("enum") || stream(s.get("enum")).anyMatch(v::equals))
        && (!s.has("anyOf") || stream(s.get("anyOf")).anyMatch(o -> valid(o, v)))
        && (!s.has("oneOf") || stream(s.get("oneOf")).filter(o -> valid(o, v)).count() == 1)
        && (!s.has("allOf") || stream(s.get("allOf")).allMatch(o -> valid(o, v)))
        && (!v.isObject() || object(s, v))
        && (!v.isArray() || array(s, v))
        && (!v.isTextual() || string(s, v.textValue()))
        && (!v.isNumber() || number(s, v.decimalValue()));
  }

  private static java.util.stream.Stream<JsonNode> stream(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false);
  }

  private static boolean typed(JsonNode s, JsonNode v) {
    if (!s.has("type")) {
      return true;
    }
    JsonNode type = s.get("type");
    return type.isTextual() ? is(type, v) : stream(type).anyMatch(t -> is(t, v));
  }

  private static boolean is(JsonNode type, JsonNode v) {
    return switch (type.textValue()) {
      case "object" -> v.isObject();
      case "array" -> v.isArray();
      case "string" -> v.isTextual();
      case "integer" -> v.isNumber() && v.decimalValue().stripTrailingZeros().scale() <= 0;
      case "number" -> v.isNumber();
      case "boolean" -> v.isBoolean();
      case "null" -> v.isNull();
      default -> throw new IllegalArgumentException(type.textValue());
    };
  }

  private boolean object(JsonNode s, JsonNode v) {
    JsonNode properties = s.path("properties");
    JsonNode more = s.path("additionalProperties");
    return stream(s.path("required")).allMatch(name -> v.has(name.textValue()))
        && v.properties().stream()
            .allMatch(
                e ->
                    properties.has(e.getKey())
                        ? valid(properties.get(e.getKey()), e.getValue())
                        : more.isMissingNode() || valid(more, e.getValue()));
  }

  private boolean array(JsonNode s, JsonNode v) {
    return v.size() >= s.path("minItems").asInt(0)
        && v.size() <= s.path("maxItems").asInt(Integer.MAX_VALUE)
        && (!s.has("items") || stream(v).allMatch(item -> valid(s.get("items"), item)));
  }

  private static boolean string(JsonNode s, String v) {
    int length = v.codePointCount(0, v.length());
    return length >= s.path("minLength").asInt(0)
        && length <= s.path("maxLength").asInt(Integer.MAX_VALUE)
        && (!s.has("pattern") || Pattern.compile(s.get("pattern").textValue()).matcher(v).find())
        && (!s.has("format") || formatted(s.get("format").textValue(), v));
  }

  private static boolean formatted(String format, String v) {
    try {
      Object parsed =
          switch (format) {
            case "date" -> LocalDate.parse(v);
            case "time" -> OffsetTime.parse(v);
            case "date-time" -> OffsetDateTime.parse(v);
            default -> UUID.fromString(v);
          };
      return parsed != null;
    } catch (IllegalArgumentException | java.time.DateTimeException e) {
      return false;
    }
  }

  private static boolean number(JsonNode s, BigDecimal v) {
    return bound(s, "minimum", v) >= 0
        && bound(s, "exclusiveMinimum", v) > (s.has("exclusiveMinimum") ? 0 : -1)
        && bound(s, "maximum", v) <= 0
        && bound(s, "exclusiveMaximum", v) < (s.has("exclusiveMaximum") ? 0 : 1);
  }

  private static int bound(JsonNode s, String keyword, BigDecimal v) {
    return s.has(keyword) ? v.compareTo(s.get(keyword).decimalValue()) : 0;
  }
}
