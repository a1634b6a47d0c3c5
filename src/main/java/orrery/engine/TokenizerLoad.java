package orrery.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import orrery.text.Tokenizer;

/** Loads a tokenizer at the same time as the weights, since both take about equally long. */
final class TokenizerLoad {
  private final CompletableFuture<Optional<Tokenizer>> future;

  TokenizerLoad(Path directory) {
    future =
        Files.exists(directory.resolve("tokenizer.json"))
            ? CompletableFuture.supplyAsync(() -> Optional.of(Tokenizer.open(directory)))
            : CompletableFuture.completedFuture(Optional.empty());
  }

  /** Waits for the tokenizer and returns it; throws its exception if it could not be loaded. */
  Optional<Tokenizer> join() {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  /**
   * Frees the tokenizer after loading the weights has failed; the failure of the weights is
   * reported.
   */
  void discard() {
    future.thenAccept(tokenizer -> tokenizer.ifPresent(Tokenizer::close));
  }
}
