package orrery.lab;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;

/**
 * A {@link Recipe} as a JSON file. Its fields have the names of flags, so that a reader knows them.
 *
 * <pre>{@code
 * { "format": "orrery-recipe", "version": 1, "model": "storyteller-moe", "fingerprint": "2f…",
 *   "machine": "AMD EPYC", "processors": 2, "workload": "…",
 *   "recipes": [ { "concurrency": 1, "threads": 2, "chunked-prefill-size": 128, … }, … ] }
 * }</pre>
 *
 * <p>A field that is missing or unknown is a mistake: a switch that is misspelt must not be passed
 * over.
 */
public final class RecipeFile {
  private static final String FORMAT = "orrery-recipe";
  private static final int VERSION = 1;
  private static final long MOST_BYTES = 1 << 20;
  private static final Set<String> FIELDS =
      Set.of(
          "format",
          "version",
          "model",
          "fingerprint",
          "machine",
          "processors",
          "workload",
          "recipes");
  private static final Set<String> SWITCHES =
      Set.of(
          "concurrency",
          "threads",
          "chunked-prefill-size",
          "max-running-requests",
          "speculative-algorithm",
          "speculative-num-steps",
          "tokens-per-second");

  private final Path file;

  private RecipeFile(Path file) {
    this.file = file;
  }

  /**
   * Reads a recipe.
   *
   * @throws CheckpointException naming file and field, what was expected and what was found
   */
  public static Recipe read(Path file) {
    return new RecipeFile(file).recipe();
  }

  private Recipe recipe() {
    Map<?, ?> root = object("content", content());
    String format = text(root, "", "format");
    if (!format.equals(FORMAT)) {
      throw bad("format", FORMAT, shown(root, "format"));
    }
    int version = integer(root, "", "version");
    if (version != VERSION) {
      throw bad("version", Integer.toString(VERSION), Integer.toString(version));
    }
    requireKnown(root, "", FIELDS);
    if (!(root.get("recipes") instanceof List<?> items)) {
      throw bad("recipes", "a list", shown(root, "recipes"));
    }
    List<Recipe.Row> rows = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      rows.add(row("recipes[" + i + "]", items.get(i)));
    }
    try {
      return new Recipe(
          text(root, "", "model"),
          text(root, "", "fingerprint"),
          text(root, "", "machine"),
          integer(root, "", "processors"),
          text(root, "", "workload"),
          rows);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file, e.getMessage(), e);
    }
  }

  private Object content() {
    try {
      if (!Files.isRegularFile(file)) {
        throw new CheckpointException(file, Files.exists(file) ? "not a file" : "no such file");
      }
      if (Files.size(file) > MOST_BYTES) {
        throw bad("size", "at most " + MOST_BYTES + " bytes", Long.toString(Files.size(file)));
      }
      return JsonText.value(Files.readString(file));
    } catch (JsonFault e) {
      throw new CheckpointException(
          file, "content: expected valid JSON, found " + e.getMessage(), e);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
  }

  private Recipe.Row row(String name, Object value) {
    Map<?, ?> row = object(name, value);
    String prefix = name + ".";
    requireKnown(row, prefix, SWITCHES);
    String algorithm = text(row, prefix, "speculative-algorithm");
    if (!algorithm.equals("mtp") && !algorithm.equals("off")) {
      throw bad(
          prefix + "speculative-algorithm", "mtp or off", shown(row, "speculative-algorithm"));
    }
    int drafts = integer(row, prefix, "speculative-num-steps");
    if (algorithm.equals("off") != (drafts == 0)) {
      String expected = algorithm.equals("off") ? "0 without drafts" : "at least 1 with mtp";
      throw bad(prefix + "speculative-num-steps", expected, Integer.toString(drafts));
    }
    try {
      return new Recipe.Row(
          integer(row, prefix, "concurrency"),
          integer(row, prefix, "threads"),
          integer(row, prefix, "chunked-prefill-size"),
          integer(row, prefix, "max-running-requests"),
          drafts,
          number(row, prefix, "tokens-per-second"));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file, prefix + e.getMessage(), e);
    }
  }

  private void requireKnown(Map<?, ?> object, String prefix, Set<String> known) {
    for (Object name : object.keySet()) {
      if (!known.contains(name)) {
        String fields = String.join(", ", known.stream().sorted().toList());
        throw bad(prefix + CheckpointException.shown((String) name), "one of " + fields, "it");
      }
    }
  }

  private Map<?, ?> object(String name, Object value) {
    if (value instanceof Map<?, ?> object) {
      return object;
    }
    throw bad(name, "a JSON object", JsonText.shown(value));
  }

  private String text(Map<?, ?> object, String prefix, String field) {
    if (object.get(field) instanceof String text && !text.isEmpty()) {
      return text;
    }
    throw bad(prefix + field, "a text", shown(object, field));
  }

  private int integer(Map<?, ?> object, String prefix, String field) {
    if (object.get(field) instanceof Num number && number.isInt()) {
      return number.toInt();
    }
    throw bad(prefix + field, "an integer", shown(object, field));
  }

  private double number(Map<?, ?> object, String prefix, String field) {
    if (object.get(field) instanceof Num number) {
      return Double.parseDouble(number.text());
    }
    throw bad(prefix + field, "a number", shown(object, field));
  }

  private static String shown(Map<?, ?> object, String field) {
    return object.containsKey(field) ? JsonText.shown(object.get(field)) : "none";
  }

  private CheckpointException bad(String field, String expected, String found) {
    return new CheckpointException(file, field, expected, found);
  }

  /** A recipe as the text of its file. */
  public static String text(Recipe recipe) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.setPrettyPrinter(new DefaultPrettyPrinter());
      json.writeStartObject();
      json.writeStringField("format", FORMAT);
      json.writeNumberField("version", VERSION);
      json.writeStringField("model", recipe.model());
      json.writeStringField("fingerprint", recipe.fingerprint());
      json.writeStringField("machine", recipe.machine());
      json.writeNumberField("processors", recipe.processors());
      json.writeStringField("workload", recipe.workload());
      json.writeArrayFieldStart("recipes");
      for (Recipe.Row row : recipe.rows()) {
        write(json, row);
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a text can always be written
    }
    return text.append('\n').toString();
  }

  private static void write(JsonGenerator json, Recipe.Row row) throws IOException {
    json.writeStartObject();
    json.writeNumberField("concurrency", row.concurrency());
    json.writeNumberField("threads", row.threads());
    json.writeNumberField("chunked-prefill-size", row.chunk());
    json.writeNumberField("max-running-requests", row.running());
    json.writeStringField("speculative-algorithm", row.flags().get("speculative-algorithm"));
    json.writeNumberField("speculative-num-steps", row.drafts());
    json.writeNumberField("tokens-per-second", row.total());
    json.writeEndObject();
  }
}
