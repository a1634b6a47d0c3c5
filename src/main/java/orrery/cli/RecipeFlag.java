package orrery.cli;

import java.nio.file.Path;
import orrery.engine.EngineOptions;
import orrery.lab.Fingerprint;
import orrery.lab.Recipe;
import orrery.lab.RecipeFile;
import orrery.options.Options;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The flag that takes the best switches from a file; a flag that is given wins. */
final class RecipeFlag {
  static final String NAME = "--recipe";
  private static final String ALGORITHM = "speculative-algorithm";
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
          "With --recipe: requests that are expected at once. Above those that the file knows, it"
              + " sets no batch limit. Default: as many as the file knows")
  private Integer expected; // null: not said

  private Recipe.Row row; // of the file, read once; null without one
  private boolean above; // whether more requests are expected than were measured
  private boolean drafts; // whether the row's drafts are of the algorithm that makes them

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
    if (file == null) {
      return options;
    }
    read(model);
    drafts = open(ALGORITHM) || options.speculation().algorithm() == Algorithm.MTP;
    return row.applyTo(options, this::sets);
  }

  /** The flags that the recipe has set, as words of a command line. */
  String words() {
    StringBuilder words = new StringBuilder();
    if (row != null) {
      row.flags()
          .forEach((flag, value) -> words.append(sets(flag) ? " --" + flag + " " + value : ""));
    }
    return words.toString();
  }

  /** Whether the recipe sets a flag: not if it measured something else. */
  private boolean sets(String flag) {
    return switch (flag) {
      case "speculative-num-steps" -> drafts && open(flag); // tuned for the MTP layer
      case "max-running-requests" -> !above && open(flag); // tuned for fewer requests
      default -> open(flag);
    };
  }

  /** Whether the user has left a flag to the recipe. */
  private boolean open(String flag) {
    return !new FlagNames(spec).given("--" + flag);
  }

  private void read(Path model) {
    Recipe recipe = RecipeFile.read(file);
    String found = Fingerprint.of(model);
    if (!recipe.fingerprint().equals(found)) {
      throw new ParameterException(
          spec.commandLine(),
          "%s: expected a recipe of %s, whose fingerprint is %s, found one of %s, %s: %s"
              .formatted(NAME, model, found, recipe.model(), recipe.fingerprint(), file));
    }
    note(recipe);
    int most = recipe.rows().getLast().concurrency();
    above = expected != null && expected > most;
    row = recipe.at(expected == null ? most : expected);
  }

  /**
   * Says so if the recipe was measured on another machine: it is right, but may not be the best.
   */
  private void note(Recipe recipe) {
    recipe
        .elsewhere()
        .ifPresent(
            where ->
                spec.commandLine()
                    .getErr()
                    .println(spec.qualifiedName() + ": note: the recipe was " + where));
  }
}
