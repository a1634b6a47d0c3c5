package orrery.cli;

import java.nio.file.Path;
import orrery.engine.EngineOptions;
import orrery.lab.Fingerprint;
import orrery.lab.Recipe;
import orrery.lab.RecipeFile;
import orrery.options.Options;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The flag that takes the best switches from a file; a flag that is given wins. */
final class RecipeFlag {
  static final String NAME = "--recipe";
  private static final String EXPECTED = "--expected-concurrency";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = NAME,
      paramLabel = "FILE",
      description =
          "Take the best threads, chunks, drafts and batch limit of this model on this machine from"
              + " a file of \"orrery lab frontier --sweep FILE\"; a flag that is given wins")
  private Path file;

  @Option(
      names = EXPECTED,
      paramLabel = "N",
      description =
          "With --recipe: requests that are expected at once. Default: as many as the file knows")
  private Integer expected; // null: not said

  /** Adds the file to those of the command. */
  CommandFiles into(CommandFiles files) {
    return files.reads(NAME, file);
  }

  /**
   * These options with the switches of the recipe, but for those whose flag is given.
   *
   * @param model the model's directory
   * @throws orrery.checkpoint.CheckpointException if the file is no recipe
   * @throws ParameterException if it is a recipe of another model
   */
  EngineOptions applyTo(EngineOptions options, Path model) {
    Options.check(
        expected == null || expected >= 1, "expected-concurrency", "at least 1", expected);
    new NoEffect(spec).when(file == null, "without " + NAME, EXPECTED).tell();
    return file == null ? options : row(model).applyTo(options, this::open);
  }

  /** The flags that the recipe sets, as words of a command line. */
  String words(Path model) {
    if (file == null) {
      return "";
    }
    StringBuilder words = new StringBuilder();
    row(model)
        .flags()
        .forEach((flag, value) -> words.append(open(flag) ? " --" + flag + " " + value : ""));
    return words.toString();
  }

  /** Whether the user has left a flag to the recipe. */
  private boolean open(String flag) {
    return !new FlagNames(spec).given("--" + flag);
  }

  private Recipe.Row row(Path model) {
    Recipe recipe = RecipeFile.read(file);
    String found = Fingerprint.of(model);
    if (!recipe.fingerprint().equals(found)) {
      throw new ParameterException(
          spec.commandLine(),
          "%s: expected a recipe of %s, whose fingerprint is %s, found one of %s, %s: %s"
              .formatted(NAME, model, found, recipe.model(), recipe.fingerprint(), file));
    }
    return recipe.at(expected == null ? Integer.MAX_VALUE : expected);
  }
}
