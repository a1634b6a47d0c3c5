package orrery.cli;

import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import orrery.files.OutputFile;

/**
 * The file of answers. Lines are written to {@code FILE.part} as they come; when all are there, the
 * part is renamed to {@code FILE}. So a file under its own name is complete. A run that is stopped
 * leaves the part, and a later run goes on with it, see {@link BatchPart}. An output that is no
 * plain file, such as {@code /dev/stdout}, is written directly.
 */
final class BatchOutput implements Closeable {
  private final OutputFile file;
  private final Path part; // null if the file itself is written
  private final OutputStream out;
  private long end; // bytes of whole lines
  private boolean complete;

  /**
   * Opens the part file, to write behind the lines that are kept.
   *
   * @param kept bytes of an earlier run's part that stay; 0 begins anew
   * @throws IOException naming the file, if that fails
   */
  BatchOutput(OutputFile file, long kept) throws IOException {
    this.file = file;
    this.part = file.isStream() ? null : file.part();
    this.out = part == null ? file.open() : open(part, kept);
    this.end = kept;
  }

  private static OutputStream open(Path part, long kept) throws IOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new ClosedByInterruptException(); // its channel would say so, with an empty part there
    }
    FileOutputStream out = new FileOutputStream(part.toFile(), true);
    try {
      if (!locked(out)) {
        throw new IOException(part + ": cannot be written: another run is writing it");
      }
      out.getChannel().truncate(kept);
      return out;
    } catch (IOException e) {
      out.close();
      throw e;
    }
  }

  /** Whether no other process writes this file, as far as its file system can tell. */
  private static boolean locked(FileOutputStream out) throws IOException {
    try {
      FileLock lock = out.getChannel().tryLock(); // until the channel is closed
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // another run in this JVM
    }
  }

  /** Writes a line at once, so that it can be watched; half a surrogate pair becomes "?". */
  void write(String line) throws IOException {
    byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      out.write(bytes);
      end += bytes.length;
    } catch (IOException e) {
      if (part != null) {
        ((FileOutputStream) out).getChannel().truncate(end); // no half line before another
      }
      throw file.failed(e);
    }
  }

  /** All lines are written: gives the file its name. */
  void complete() throws IOException {
    try {
      out.close();
      if (part != null) {
        file.replaceBy(part);
      }
    } catch (IOException e) {
      throw file.failed(e);
    }
    complete = true;
  }

  /** Whether the file has its name. */
  boolean isComplete() {
    return complete;
  }

  /** Closes the file; a part without lines is deleted. */
  @Override
  public void close() throws IOException {
    out.close();
    if (!complete && part != null && Files.size(part) == 0) {
      Files.delete(part);
    }
  }
}
