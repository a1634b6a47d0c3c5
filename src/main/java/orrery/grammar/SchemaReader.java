package orrery.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import orrery.checkpoint.JsonText;

/**
 * Reads a JSON schema as the set of texts that are JSON by it. (A set of texts is all that an
 * automaton can have. So a text may be any of <em>some</em> ways to write a value that the schema
 * allows: see {@link JsonForms}.)
 *
 * <pre>
 *   type, enum, const, anyOf, oneOf, allOf of one schema, $ref and $defs
 *   object     properties, required, additionalProperties
 *   array      items, minItems, maxItems
 *   string     minLength, maxLength, pattern, format (date, time, date-time, uuid)
 *   integer    minimum, maximum, exclusiveMinimum, exclusiveMaximum
 * </pre>
 *
 * <ul>
 *   <li>Members are written in the order of {@code properties}. An object with {@code properties}
 *       has no others. Without them, {@code additionalProperties} says what values it has; names
 *       may then come twice, which no automaton can forbid.
 *   <li>What may be any value has at most {@value #ANY_DEPTH} lists or objects inside each other.
 *   <li>{@code oneOf} is accepted if no text is JSON by two of its schemas.
 *   <li>A schema that refers to itself is refused: an automaton cannot count brackets.
 *   <li>Notes ({@code title}, {@code default} and so on) change nothing. Every other keyword is
 *       refused by name, since a text that ignores it may be wrong.
 * </ul>
 */
final class SchemaReader {
  static final String NAME = "json_schema";
  static final int ANY_DEPTH = 3;

  private static final int MAX_SCHEMAS = 2_000; // with each use of a $ref
  private static final int MAX_DEPTH = 50;
  private static final int MAX_COUNT = 10_000; // characters or items
  private static final long MAX_PAIRS = 4_000_000; // of states, to compare the schemas of a oneOf

  private static final Set<String> NOTES =
      Set.of(
          "title",
          "description",
          "default",
          "example",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$anchor",
          "$defs",
          "definitions");
  private static final Set<String> OBJECT =
      Set.of("properties", "required", "additionalProperties");
  private static final Set<String> ARRAY = Set.of("items", "minItems", "maxItems");
  private static final Set<String> STRING = Set.of("minLength", "maxLength", "pattern", "format");
  private static final Set<String> INTEGER =
      Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
  private static final List<String> TYPES =
      List.of("object", "array", "string", "integer", "number", "boolean", "null");

  private static final String DATE =
      "[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
          + "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
  private static final String TIME =
      "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
          + "(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";
  private static final Map<String, String> FORMATS =
      Map.of(
          "date",
          DATE,
          "time",
          TIME,
          "date-time",
          DATE + "T" + TIME,
          "uuid",
          "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final Object root;
  private final Deque<String> references = new ArrayDeque<>(); // that are being followed
  private final Size.Counter sizes = new Size.Counter();
  private double total; // transitions of what was read and is not yet part of something larger
  private int schemas;
  private int depth;
  private long pairs;

  private SchemaReader(Object root) {
    this.root = root;
  }

  /**
   * The texts that are JSON by a schema.
   *
   * @param schema as {@link JsonText#value} reads it
   * @throws GrammarException naming the place in the schema, what was expected and what was found
   */
  static Syntax read(Object schema) {
    return new SchemaReader(schema).schema(schema, NAME + "#");
  }

  /** The texts that are any JSON object; its values are nested at most {@link #ANY_DEPTH} deep. */
  static Syntax anyObject() {
    return JsonForms.map(any(ANY_DEPTH));
  }

  /** Any value, nested at most so deep. */
  static Syntax any(int depth) {
    Syntax plain =
        Syntax.choice(JsonForms.STRING, JsonForms.NUMBER, JsonForms.BOOLEAN, JsonForms.NULL);
    return depth == 0
        ? plain
        : Syntax.choice(
            plain,
            JsonForms.array(any(depth - 1), 0, Syntax.UNBOUNDED),
            JsonForms.map(any(depth - 1)));
  }

  private Syntax schema(Object schema, String place) {
    if (++schemas > MAX_SCHEMAS) {
      throw new GrammarException(
          NAME, "at most " + MAX_SCHEMAS + " schemas, with each use of a $ref", "more");
    }
    if (++depth > MAX_DEPTH) {
      throw new GrammarException(NAME, "at most " + MAX_DEPTH + " schemas in each other", "more");
    }
    double before = total;
    Syntax syntax = read(schema, place);
    total = before;
    grow(place, syntax); // before it stands in many places
    depth--;
    return syntax;
  }

  /** Takes note of a text, each character of which will be a transition at least. */
  private void spell(String place, String text) {
    total += text.codePointCount(0, text.length());
    AutomatonBuilder.requireFew(place, total);
  }

  /** Refuses a part that is too large, by itself or with what was read before it. */
  private void grow(String place, Syntax part) {
    AutomatonBuilder.requireSmall(place, part, sizes);
    total += sizes.of(part).transitions();
    AutomatonBuilder.requireFew(place, total);
  }

  private Syntax read(Object schema, String place) {
    return switch (schema) {
      case Boolean any -> any ? any(ANY_DEPTH) : new Syntax.Choice(List.of());
      case Map<?, ?> map -> fields(new SchemaFields(map, place));
      default -> throw new GrammarException(place, "a schema", JsonText.shown(schema));
    };
  }

  private Syntax fields(SchemaFields s) {
    for (String alone : List.of("$ref", "anyOf", "oneOf", "allOf")) {
      if (s.has(alone)) {
        requireOnly(s, Set.of(alone), "beside " + alone);
        return together(s, alone);
      }
    }
    if (s.has("const") || s.has("enum")) {
      requireOnly(s, Set.of("const", "enum", "type"), "beside const and enum");
      return values(s);
    }
    List<Syntax> options = new ArrayList<>();
    List<String> types = types(s);
    for (String type : types) {
      options.add(ofType(s, type));
    }
    Set<String> known = new HashSet<>(Set.of("type"));
    types.forEach(type -> known.addAll(keywords(type)));
    requireOnly(s, known, "for type " + String.join(", ", types));
    return options.size() == 1 ? options.getFirst() : new Syntax.Choice(options);
  }

  private static void requireOnly(SchemaFields s, Set<String> known, String where) {
    for (Object keyword : s.fields().keySet()) {
      String k = (String) keyword;
      if (!known.contains(k) && !NOTES.contains(k)) {
        List<String> names = known.stream().sorted().toList();
        throw new GrammarException(
            s.place(), "keywords among " + names + " " + where, "\"" + k + '"');
      }
    }
  }

  private Syntax together(SchemaFields s, String keyword) {
    if (keyword.equals("$ref")) {
      return reference(s);
    }
    List<?> schemas = s.list(keyword);
    if (keyword.equals("allOf") && schemas.size() > 1) {
      throw s.bad(keyword, "one schema");
    }
    List<Syntax> options = new ArrayList<>();
    for (int i = 0; i < schemas.size(); i++) {
      options.add(schema(schemas.get(i), s.at(keyword) + "/" + i));
    }
    if (keyword.equals("oneOf")) {
      requireApart(s, options);
    }
    return new Syntax.Choice(options);
  }

  /** Refuses a oneOf if a text is JSON by two of its schemas. */
  private void requireApart(SchemaFields s, List<Syntax> options) {
    List<Automaton> automata = new ArrayList<>();
    for (Syntax option : options) {
      Automaton next = AutomatonBuilder.characters(s.at("oneOf"), option);
      for (Automaton before : automata) {
        pairs += (long) before.getNumStates() * next.getNumStates();
        if (pairs > MAX_PAIRS) {
          throw new GrammarException(
              s.at("oneOf"), "schemas that are small enough to compare", "larger ones; use anyOf");
        }
        if (!Operations.isEmpty(Operations.intersection(before, next))) {
          throw new GrammarException(
              s.at("oneOf"),
              "schemas of which no text fits two",
              "two that the same text fits; use anyOf");
        }
      }
      automata.add(next);
    }
  }

  private Syntax reference(SchemaFields s) {
    String pointer = s.string("$ref");
    if (references.contains(pointer)) {
      throw s.bad("$ref", "a schema that does not refer to itself");
    }
    references.push(pointer);
    Syntax there = schema(find(s, pointer), NAME + pointer);
    references.pop();
    return there;
  }

  /** What stands at a JSON pointer (RFC 6901) of the whole schema. */
  private Object find(SchemaFields s, String pointer) {
    if (!pointer.equals("#") && !pointer.startsWith("#/")) {
      throw s.bad("$ref", "a place in the same schema, such as #/$defs/name");
    }
    Object at = root;
    String[] steps = pointer.split("/", -1);
    for (int i = 1; i < steps.length; i++) {
      String name = steps[i].replace("~1", "/").replace("~0", "~");
      if (!(at instanceof Map<?, ?> map) || !map.containsKey(name)) {
        throw s.bad("$ref", "a place that the schema has");
      }
      at = map.get(name);
    }
    return at;
  }

  /** The values of const and enum, if they have the type. */
  private Syntax values(SchemaFields s) {
    List<?> values = s.has("enum") ? s.list("enum") : List.of(s.get("const"));
    List<String> types = s.has("type") ? types(s) : TYPES;
    List<Syntax> options = new ArrayList<>();
    for (Object value : values) {
      boolean both = !s.has("const") || value.equals(s.get("const"));
      requireShallow(s, value, MAX_DEPTH);
      if (both && types.stream().anyMatch(type -> has(value, type))) {
        options.add(JsonForms.value(value));
      }
    }
    if (options.isEmpty()) {
      throw s.bad(s.has("enum") ? "enum" : "const", "a value of type " + types);
    }
    return new Syntax.Choice(options);
  }

  /** Checks a value before its spelling is made: how deep it is, and how long. */
  private void requireShallow(SchemaFields s, Object value, int levels) {
    if (levels == 0) {
      throw new GrammarException(s.place(), "values of at most " + MAX_DEPTH + " levels", "more");
    }
    Collection<?> inside =
        value instanceof Map<?, ?> m ? m.values() : value instanceof List<?> l ? l : List.of();
    switch (value) {
      case Map<?, ?> m -> m.keySet().forEach(name -> spell(s.place(), (String) name));
      case List<?> l -> spell(s.place(), "[]");
      case JsonText.Num n -> spell(s.place(), n.text());
      default -> spell(s.place(), value.toString());
    }
    inside.forEach(v -> requireShallow(s, v, levels - 1));
  }

  private static boolean has(Object value, String type) {
    return switch (value) {
      case Map<?, ?> m -> type.equals("object");
      case List<?> l -> type.equals("array");
      case String t -> type.equals("string");
      case JsonText.Num n -> type.equals("number") || type.equals("integer") && n.whole();
      case Boolean b -> type.equals("boolean");
      default -> type.equals("null");
    };
  }

  /** The types that a schema names, or else those whose keywords it has, or else all. */
  private static List<String> types(SchemaFields s) {
    if (!s.has("type")) {
      List<String> hinted =
          TYPES.stream().filter(t -> keywords(t).stream().anyMatch(s::has)).toList();
      return hinted.isEmpty() ? List.of("any") : hinted;
    }
    List<?> named = s.get("type") instanceof String one ? List.of(one) : s.list("type");
    if (!TYPES.containsAll(named)) {
      throw s.bad("type", "types among " + TYPES);
    }
    return named.stream().map(String.class::cast).distinct().toList();
  }

  private static Set<String> keywords(String type) {
    return switch (type) {
      case "object" -> OBJECT;
      case "array" -> ARRAY;
      case "string" -> STRING;
      case "integer" -> INTEGER;
      default -> Set.of();
    };
  }

  private Syntax ofType(SchemaFields s, String type) {
    return switch (type) {
      case "object" -> object(s);
      case "array" -> array(s);
      case "string" -> string(s);
      case "integer" -> integer(s);
      case "number" -> JsonForms.NUMBER;
      case "boolean" -> JsonForms.BOOLEAN;
      case "null" -> JsonForms.NULL;
      default -> any(ANY_DEPTH);
    };
  }

  private Syntax object(SchemaFields s) {
    if (!s.has("properties")) {
      if (s.has("required")) {
        throw s.bad("required", "no required members without properties");
      }
      Object more = s.has("additionalProperties") ? s.get("additionalProperties") : true;
      boolean none = Boolean.FALSE.equals(more);
      return none
          ? JsonForms.object(List.of(), new boolean[0], part -> {})
          : Boolean.TRUE.equals(more)
              ? anyObject()
              : JsonForms.map(schema(more, s.at("additionalProperties")));
    }
    if (s.has("additionalProperties") && !(s.get("additionalProperties") instanceof Boolean)) {
      throw s.bad("additionalProperties", "true or false beside properties");
    }
    if (!(s.get("properties") instanceof Map<?, ?> properties)) {
      throw s.bad("properties", "an object");
    }
    Set<?> required = s.has("required") ? new HashSet<>(names(s)) : Set.of();
    if (!properties.keySet().containsAll(required)) {
      throw s.bad("required", "names among the properties");
    }
    double before = total;
    List<Syntax> members = new ArrayList<>();
    boolean[] must = new boolean[properties.size()]; // [properties]
    for (Map.Entry<?, ?> property : properties.entrySet()) {
      String name = (String) property.getKey();
      must[members.size()] = required.contains(name);
      spell(s.place(), name);
      Syntax value = schema(property.getValue(), s.at("properties") + "/" + name);
      members.add(JsonForms.member(JsonForms.literal(name), value));
    }
    total = before; // what follows is made of the members
    return JsonForms.object(members, must, part -> grow(s.place(), part));
  }

  private static List<?> names(SchemaFields s) {
    if (s.get("required") instanceof List<?> names
        && names.stream().allMatch(String.class::isInstance)) {
      return names;
    }
    throw s.bad("required", "a list of names");
  }

  private Syntax array(SchemaFields s) {
    int min = s.count("minItems", MAX_COUNT, 0);
    int max = s.count("maxItems", MAX_COUNT, Syntax.UNBOUNDED);
    requireRise(s, "maxItems", min, max);
    Syntax item = s.has("items") ? schema(s.get("items"), s.at("items")) : any(ANY_DEPTH);
    return JsonForms.array(item, min, max);
  }

  private static void requireRise(SchemaFields s, String keyword, int min, int max) {
    if (max != Syntax.UNBOUNDED && max < min) {
      throw s.bad(keyword, "at least " + min);
    }
  }

  private static Syntax string(SchemaFields s) {
    if (s.has("pattern") || s.has("format")) {
      String one = s.has("pattern") ? "pattern" : "format";
      for (String other : STRING) {
        if (s.has(other) && !other.equals(one)) {
          throw new GrammarException(s.place(), one + " without " + other, "both");
        }
      }
      return one.equals("pattern") ? pattern(s) : format(s);
    }
    int min = s.count("minLength", MAX_COUNT, 0);
    int max = s.count("maxLength", MAX_COUNT, Syntax.UNBOUNDED);
    requireRise(s, "maxLength", min, max);
    return JsonForms.string(min, max);
  }

  private static Syntax pattern(SchemaFields s) {
    Syntax texts = RegexParser.search(s.at("pattern"), s.string("pattern"));
    return JsonForms.quoted(JsonForms.escaped(texts));
  }

  private static Syntax format(SchemaFields s) {
    String pattern = FORMATS.get(s.string("format"));
    if (pattern == null) {
      throw s.bad("format", "one of " + FORMATS.keySet().stream().sorted().toList());
    }
    return JsonForms.quoted(JsonForms.pattern(pattern));
  }

  private static Syntax integer(SchemaFields s) {
    if (INTEGER.stream().noneMatch(s::has)) {
      return JsonForms.INTEGER;
    }
    if (s.low() > s.high()) {
      throw new GrammarException(
          s.place(),
          "a whole number between the bounds",
          "none from " + s.low() + " to " + s.high());
    }
    return IntegerRange.of(s.low(), s.high());
  }
}
