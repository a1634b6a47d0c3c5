package orrery.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import orrery.engine.LoadedModel;

/**
 * Loads the model while picocli still reads the command line, which takes a tenth of a second in a
 * fresh JVM. The name of the model is easy to find without picocli, in the two forms that people
 * write; with other ones nothing is loaded ahead. What is wrong with the model is said when the
 * command asks for it, and not before what is wrong with the flags.
 */
final class Ahead {
  private static final Set<String> COMMANDS = Set.of("generate", "demo");

  private final Path directory; // null: no model is loaded
  private final CompletableFuture<LoadedModel> model;
  private boolean taken;

  private Ahead(Path directory) {
    this.directory = directory;
    this.model =
        directory == null
            ? null
            : CompletableFuture.supplyAsync(() -> LoadedModel.load(directory), Ahead::run);
  }

  /** Begins to load the model of a command line, if its command is one that loads a model. */
  static Ahead of(String... args) {
    boolean loads = args.length > 0 && COMMANDS.contains(args[0]);
    return loads ? new Ahead(directory(args).orElse(null)) : none();
  }

  /** Loads nothing. */
  static Ahead none() {
    return new Ahead(null);
  }

  private static void run(Runnable work) {
    Thread.ofPlatform().name("orrery-ahead").daemon(true).start(work);
  }

  /** The directory that a command line names as the model's, if it is one. */
  static Optional<Path> directory(String... args) {
    String named = null;
    for (int i = 1; i < args.length; i++) {
      boolean joined = args[i].startsWith("-m") && args[i].length() > 2; // -mDIR, -m=DIR
      if (joined || args[i].startsWith("@")) {
        return Optional.empty(); // picocli will know
      }
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

  /**
   * The model that was begun, once; empty if it is another one.
   *
   * @throws RuntimeException as {@link LoadedModel#load}, if it could not be loaded
   * @throws CancellationException if this thread is interrupted, which it then still is
   */
  Optional<LoadedModel> take(Path from) {
    if (taken || !from.equals(directory)) {
      return Optional.empty();
    }
    taken = true;
    try {
      return Optional.of(model.get());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while the model was loaded");
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException problem -> throw problem;
        case Error problem -> throw problem;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }
}
