package orrery.cli;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The file of answers. Lines are written as they come to {@code FILE.part}, which a crash leaves
 * for whoever wants to see it, and moved to {@code FILE} when all are there: a file under its own
 * name is complete. What is no plain file, such as {@code /dev/stdout}, is written directly.
 */
final class BatchOutput implements Closeable {
  private final Path file;
  private final Path written; // FILE.part, or FILE itself
  private final OutputStream out;

  /**
   * Opens the part file.
   *
   * @throws IOException naming the file, if that fails
   */
  BatchOutput(Path file) throws IOException {
    this.file = file;
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory) || Files.isDirectory(file)) {
      throw new IOException(file + ": expected a file in an existing directory");
    }
    boolean special = Files.exists(file) && !Files.isRegularFile(file);
    written = special ? file : file.resolveSibling(file.getFileName() + ".part");
    try {
      out = Files.newOutputStream(written);
    } catch (IOException e) {
      throw new IOException(written + ": cannot be written: " + e.getMessage(), e);
    }
  }

  /** Writes a line at once, so that it can be watched; half a surrogate pair becomes "?". */
  void write(String line) throws IOException {
    out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** All lines are written: gives the file its name. */
  void complete() throws IOException {
    out.close();
    if (!written.equals(file)) {
      Files.move(
          written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
