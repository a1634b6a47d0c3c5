package orrery.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.engine.LoadedModel;
import orrery.grammar.GrammarException;
import orrery.grammar.Grammars;
import orrery.sampling.SamplingParams;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The flags that say which texts an answer may be. */
final class FormFlags {
  private static final String REGEX = "--regex";
  private static final String JSON_SCHEMA = "--json-schema";

  @ArgGroup(exclusive = true, order = 4, heading = "%nWhich texts an answer may be:%n")
  private Form form = new Form();

  private static final class Form {
    @Option(
        names = REGEX,
        paramLabel = "PATTERN",
        description = "The whole answer matches this regular expression")
    private String regex;

    @Option(
        names = JSON_SCHEMA,
        paramLabel = "FILE",
        description = "The answer is JSON by the schema in this file")
    private Path jsonSchema;
  }

  /** Names the file of the schema among those that the command reads. */
  CommandFiles from(CommandFiles files) {
    return files.reads(JSON_SCHEMA, form.jsonSchema);
  }

  /**
   * The same parameters, with the constraint that the flags ask for.
   *
   * @throws GrammarException naming what is wrong in the pattern or the schema
   * @throws ParameterException if the schema's file cannot be read or is not JSON
   */
  SamplingParams constrain(SamplingParams params, LoadedModel model, CommandLine line) {
    if (form.regex == null && form.jsonSchema == null) {
      return params;
    }
    Grammars grammars = Grammars.of(model.requireTokenizer(), model.model().vocab());
    return params.withConstraint(
        form.regex != null
            ? grammars.regex(form.regex)
            : grammars.jsonSchema(schema(form.jsonSchema, line)));
  }

  private static Object schema(Path file, CommandLine line) {
    try {
      return JsonText.value(Files.readString(file));
    } catch (JsonFault e) {
      throw bad(line, file, "JSON", e.getMessage(), e);
    } catch (IOException e) {
      throw bad(line, file, "a file in UTF-8 that can be read", e.toString(), e);
    }
  }

  private static ParameterException bad(
      CommandLine line, Path file, String expected, String found, IOException cause) {
    String problem = JSON_SCHEMA + " " + file + ": expected " + expected + ", found " + found;
    return new ParameterException(line, problem, cause);
  }
}
