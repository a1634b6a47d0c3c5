package orrery.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/**
 * Standard output that says when it cannot be written. The writers of Java around it keep an {@link
 * IOException} to themselves, so that a program would compute on for a pipe that nothing reads; an
 * unchecked one passes through them and ends the command.
 *
 * <p>It is said once. What comes after it is dropped: the command is on its way out.
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
