package orrery.text;

import java.nio.file.Path;

/**
 * A tokenizer file that cannot be used, or a request that a tokenizer cannot serve. The message is
 * one line that names the file, the item, what was expected and what was found.
 */
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int MAX_CHARS = 300;

  TokenizerException(Path file, String problem) {
    super(file + ": " + printable(problem));
  }

  TokenizerException(Path file, String problem, Throwable cause) {
    super(file + ": " + printable(problem), cause);
  }

  private TokenizerException(String message) {
    super(message);
  }

  /** An exception of another process, by its message. */
  static TokenizerException of(String message) {
    return new TokenizerException(message);
  }

  /**
   * The problem may quote a hostile file, so it is made one short line without control characters.
   */
  private static String printable(String problem) {
    String line = problem.replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Cs}]", "?");
    return line.length() <= MAX_CHARS ? line : line.substring(0, MAX_CHARS) + "…";
  }
}
