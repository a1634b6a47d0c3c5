package orrery.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import orrery.engine.LoadedModel;

/**
 * Loads the model while picocli still reads the command line, which takes a tenth of a second in a
 * fresh JVM. The name of the model is easy to find without picocli. Whatever goes wrong here is
 * forgotten: then the command loads the model itself, and says what is wrong with it or with the
 * flags before it.
 */
final class Ahead {
  private static final Set<String> COMMANDS = Set.of("generate", "demo");

  private record Loading(Path directory, CompletableFuture<LoadedModel> model) {}

  private static Loading loading; // null: none began, or it was taken; guarded by the class

  private Ahead() {}

  /** Begins to load the model of a command line, if its command is one that loads a model. */
  static synchronized void begin(String... args) {
    if (args.length > 0 && COMMANDS.contains(args[0])) {
      directory(args)
          .ifPresent(
              d ->
                  loading =
                      new Loading(
                          d, CompletableFuture.supplyAsync(() -> LoadedModel.load(d), Ahead::run)));
    }
  }

  private static void run(Runnable work) {
    Thread.ofPlatform().name("orrery-ahead").daemon(true).start(work);
  }

  /** The directory that a command line names as the model's, if it is one. */
  static Optional<Path> directory(String... args) {
    String named = null;
    for (int i = 1; i < args.length; i++) {
      boolean next = args[i].equals("-m") || args[i].equals("--model");
      String value = args[i].startsWith("--model=") ? args[i].substring(8) : null;
      value = next && i + 1 < args.length ? args[i + 1] : value;
      if (value != null && named != null) {
        return Optional.empty(); // twice: the command will refuse it
      }
      named = value == null ? named : value;
    }
    try {
      return (named == null ? ModelOption.defaultDirectory() : Optional.of(Path.of(named)))
          .filter(Files::isDirectory);
    } catch (InvalidPathException e) {
      return Optional.empty(); // the command will refuse it
    }
  }

  /** The model that was begun, once; empty if it is another one or could not be loaded. */
  static synchronized Optional<LoadedModel> take(Path directory) {
    Loading taken = loading;
    loading = null;
    if (taken == null || !taken.directory().equals(directory)) {
      return Optional.empty();
    }
    return taken.model().handle((model, problem) -> Optional.ofNullable(model)).join();
  }
}
