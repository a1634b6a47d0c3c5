package orrery.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import orrery.text.Tokenizer;

/** Loads a tokenizer beside the weights: its native library takes about as long as they do. */
final class TokenizerLoad {
  private final CompletableFuture<Optional<Tokenizer>> future;

  TokenizerLoad(Path directory) {
    future =
        Files.exists(directory.resolve("tokenizer.json"))
            ? CompletableFuture.supplyAsync(() -> Optional.of(Tokenizer.open(directory)))
            : CompletableFuture.completedFuture(Optional.empty());
  }

  /** Waits for the tokenizer; its failure is thrown here as it was. */
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

  /** Frees the tokenizer, since loading the weights failed; their failure is the one to report. */
  void discard() {
    future.thenAccept(tokenizer -> tokenizer.ifPresent(Tokenizer::close));
  }
}
