package orrery.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/**
 * Standard output that throws when it cannot be written. Java's writers around it swallow an {@link
 * IOException}, and the program would compute on for a pipe that nothing reads. An unchecked
 * exception passes through these writers and ends the command.
 *
 * <p>It throws once. What is written after that is dropped: the command is about to end.
 */
final class StandardOutput extends OutputStream {
  private final OutputStream out;
  private UncheckedIOException failure;

  StandardOutput(OutputStream out) {
    this.out = out;
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int count) {
    if (failure != null) {
      return;
    }
    try {
      out.write(bytes, from, count);
    } catch (IOException e) {
      failure =
          new UncheckedIOException("standard output: cannot be written: " + e.getMessage(), e);
      throw failure;
    }
  }

  /** Whether everything so far could be written. */
  boolean whole() {
    return failure == null;
  }
}
