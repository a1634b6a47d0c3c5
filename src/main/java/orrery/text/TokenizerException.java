package orrery.text;

import java.nio.file.Path;

/**
 * A tokenizer file that cannot be used, or a request that a tokenizer cannot serve. The message is
 * one line that names the file, the item, what was expected and what was found.
 */
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TokenizerException(Path file, String problem) {
    super(file + ": " + problem);
  }

  TokenizerException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }
}
