package orrery.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import orrery.checkpoint.CheckpointException;
import orrery.engine.LoadedModel;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option that names the model. */
final class ModelOption {
  private static final String DEFAULT = "tiny-models/storyteller-moe";

  @Option(
      names = {"-m", "--model"},
      paramLabel = "DIR",
      description =
          "Model directory in Hugging Face layout: config.json, model.safetensors (or shards),"
              + " tokenizer.json. Default: "
              + DEFAULT)
  private Path directory;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** The directory asked for, or the default model beside the working directory or the program. */
  Path directory() {
    if (directory != null) {
      return directory;
    }
    return defaultDirectory()
        .orElseThrow(
            () ->
                new CheckpointException(
                    Path.of(DEFAULT), "no such directory; name a model with --model DIR"));
  }

  /** The default model, beside the working directory or the program. */
  static Optional<Path> defaultDirectory() {
    String home = System.getProperty("orrery.home", ".");
    List<Path> places = List.of(Path.of(DEFAULT), Path.of(home, "..", "..", DEFAULT).normalize());
    return places.stream().filter(Files::isDirectory).findFirst();
  }

  /** The name of the model: of its directory. */
  String name() {
    return directory().toAbsolutePath().normalize().getFileName().toString();
  }

  private Ahead ahead() {
    return command.root().userObject() instanceof Main main ? main.ahead() : Ahead.none();
  }

  /** Loads the model, and says on standard error what was left out. */
  LoadedModel load() {
    Path from = directory();
    LoadedModel loaded = ahead().take(from).orElseGet(() -> LoadedModel.load(from));
    CommandLine line = command.commandLine();
    for (String notice : loaded.notices()) {
      line.getErr().println(command.qualifiedName() + ": note: " + notice);
    }
    line.getErr().flush();
    return loaded;
  }
}
