package orrery.cli;

import java.nio.file.Path;

/**
 * {@code -} in the place of a file: standard input or output. A file of this name is {@code ./-}.
 */
final class Dash {
  private static final String NAME = "-";

  private Dash() {}

  /** The file itself, or for {@code -} the device of standard input or output. */
  static Path orElse(Path file, String device) {
    return is(file) ? Path.of(device) : file;
  }

  static boolean is(Path file) {
    return file.toString().equals(NAME);
  }
}
