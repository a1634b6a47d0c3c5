package orrery.openai;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.engine.LoadedModel;
import orrery.grammar.Constraint;
import orrery.grammar.GrammarException;
import orrery.grammar.Grammars;

/**
 * Reads which texts an answer may be: JSON by a schema, or what matches a regular expression. Each
 * API has names of its own for that:
 *
 * <pre>
 *   OpenAI   response_format {type: json_schema, json_schema: {schema}}   {type: json_object}
 *   SGLang   regex   json_schema
 *   vLLM     guided_regex   guided_json   guided_choice
 *            structured_outputs {regex | json | choice | json_object}
 * </pre>
 */
public final class ConstraintFields {
  private static final int MOST = 8; // different constraints of a body; each may take a second

  private final Optional<Grammars> grammars; // empty without a tokenizer

  public ConstraintFields(LoadedModel loaded) {
    this.grammars = loaded.tokenizer().map(t -> Grammars.of(t, loaded.model().vocab()));
  }

  /**
   * A field that asks for a constraint, and how to make it.
   *
   * @param kind the same for fields whose values mean the same
   */
  private record Wanted(String path, String kind, Object value, Supplier<Constraint> making) {}

  /** The constraints of one body: what is asked for again is the same, and not made again. */
  public static final class Made {
    private final Map<List<Object>, Constraint> made = new HashMap<>();
  }

  /**
   * The constraint of a body, if it asks for one.
   *
   * @throws FieldException if it asks for two, or for one that cannot be made
   */
  public Optional<Constraint> read(Fields body) {
    return read(body, new Made());
  }

  /**
   * The constraint that an object in a body asks for, if any.
   *
   * @param made the constraints of the body so far
   * @throws FieldException if the object asks for two, or for one that cannot be made, or if the
   *     body has too many different ones
   */
  public Optional<Constraint> read(Fields body, Made made) {
    List<Wanted> all = new ArrayList<>();
    regex(all, body, "regex");
    schema(all, body, "json_schema");
    regex(all, body, "guided_regex");
    schema(all, body, "guided_json");
    choice(all, body, "guided_choice");
    if (body.has("structured_outputs")) {
      structured(all, body.object("structured_outputs"));
    }
    if (body.has("response_format")) {
      format(all, body.object("response_format"));
    }
    if (all.size() > 1) {
      String found = all.get(0).path() + " and " + all.get(1).path();
      throw new FieldException(all.get(1).path(), "one constraint of the answer", found);
    }
    return all.stream().findFirst().map(wanted -> once(wanted, made.made));
  }

  private static Constraint once(Wanted wanted, Map<List<Object>, Constraint> made) {
    List<Object> key = List.of(wanted.kind(), wanted.value());
    Constraint known = made.get(key);
    if (known != null) {
      return known;
    }
    if (made.size() == MOST) {
      throw new FieldException(
          wanted.path(), "at most " + MOST + " different constraints of a body", "more");
    }
    Constraint constraint = make(wanted);
    made.put(key, constraint);
    return constraint;
  }

  private static Constraint make(Wanted wanted) {
    try {
      return wanted.making().get();
    } catch (GrammarException e) {
      String problem = e.getMessage().substring(e.place().length() + 2);
      int pointer = e.place().indexOf('#');
      String at = pointer < 0 ? "" : "at " + e.place().substring(pointer) + " ";
      throw FieldException.at(wanted.path(), at + problem);
    }
  }

  private Grammars grammars(String path) {
    return grammars.orElseThrow(
        () ->
            new FieldException(path, "nothing, since the model has no tokenizer", "a constraint"));
  }

  private void regex(List<Wanted> all, Fields in, String field) {
    if (in.has(field)) {
      String path = in.path(field);
      String pattern = in.string(field);
      all.add(new Wanted(path, "regex", pattern, () -> grammars(path).regex(pattern)));
    }
  }

  /** A schema as JSON, or as a text that is JSON: SGLang's clients send the latter. */
  private void schema(List<Wanted> all, Fields in, String field) {
    if (in.has(field)) {
      String path = in.path(field);
      Object schema = in.value(field, "a JSON schema");
      all.add(
          new Wanted(
              path, "schema", schema, () -> grammars(path).jsonSchema(parsed(path, schema))));
    }
  }

  private static Object parsed(String path, Object schema) {
    try {
      return schema instanceof String text ? JsonText.value(text) : schema;
    } catch (JsonFault e) {
      throw new FieldException(path, "a JSON schema", e.getMessage());
    }
  }

  private void choice(List<Wanted> all, Fields in, String field) {
    if (in.has(field)) {
      String path = in.path(field);
      in.list(field, "a list of strings, not empty");
      String pattern =
          in.strings(field).stream().map(ConstraintFields::quoted).collect(Collectors.joining("|"));
      all.add(new Wanted(path, "regex", pattern, () -> grammars(path).regex(pattern)));
    }
  }

  private Wanted object(String path) {
    return new Wanted(path, "object", "", () -> grammars(path).jsonObject());
  }

  /** A pattern that only this text matches. */
  private static String quoted(String text) {
    return text.replaceAll("[\\\\.\\[\\]{}()*+?^$|]", "\\\\$0");
  }

  private void structured(List<Wanted> all, Fields in) {
    regex(all, in, "regex");
    schema(all, in, "json");
    choice(all, in, "choice");
    if (in.boolOr("json_object", false)) {
      String path = in.path("json_object");
      all.add(object(path));
    }
    Unsupported.require(in, Unsupported.field("grammar"));
    Unsupported.require(in, Unsupported.field("structural_tag"));
    in.ignore("disable_any_whitespace", "disable_fallback", "whitespace_pattern");
    in.requireNothingElse(); // a misspelt name would leave the answer free
  }

  private void format(List<Wanted> all, Fields in) {
    String path = in.path("type");
    switch (in.string("type")) {
      case "text" -> {}
      case "json_object" -> all.add(object(path));
      case "json_schema" -> {
        Fields named = in.object("json_schema");
        named.value("schema", "a JSON schema");
        schema(all, named, "schema");
      }
      default -> in.fail("type", "\"text\", \"json_object\" or \"json_schema\"");
    }
  }
}
