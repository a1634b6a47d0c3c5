package orrery.checkpoint;

import java.nio.file.Path;

/**
 * A checkpoint file that cannot be used. The message tells the user everything, in one line: {@code
 * FILE: ITEM: expected X, found Y}. Text taken from a hostile file is shortened and stripped of
 * control characters first ({@link #shown}), so that a message can be printed to a terminal.
 */
public final class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN_CHARS = 80;

  /** {@code FILE: PROBLEM}. */
  public CheckpointException(Path file, String problem) {
    super(file + ": " + problem);
  }

  /** {@code FILE: PROBLEM}, with the library's own error kept as the cause. */
  public CheckpointException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }

  /** {@code FILE: ITEM: expected EXPECTED, found FOUND}, where the item is a field or a tensor. */
  public CheckpointException(Path file, String item, String expected, String found) {
    this(file, item + ": expected " + expected + ", found " + found);
  }

  /**
   * A name or value from a file, made safe to print: at most 80 characters, no control characters.
   */
  public static String shown(String untrusted) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < untrusted.length(); i++) {
      if (text.length() >= SHOWN_CHARS) {
        return text.append("…").toString();
      }
      char c = untrusted.charAt(i);
      boolean harmless = !Character.isISOControl(c) && Character.getType(c) != Character.FORMAT;
      text.append(harmless && !Character.isSurrogate(c) ? c : '?');
    }
    return text.toString();
  }
}
