package orrery.offload;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/**
 * What a store met that it could not use, or could not do. A fault never reaches a request: a read
 * is a miss and a write is left out. So the store tells it, for someone to look at.
 *
 * @param kind what became of it
 * @param file which file, or the directory
 * @param expected what a file of this name would have, or what was to be done
 * @param found what there was, or why it could not be done
 */
public record StoreFault(Kind kind, Path file, String expected, String found) {
  /** What becomes of a fault. */
  public enum Kind {
    /** A file of the store is not whole, or not of its name: it is removed, or left if it can't. */
    BROKEN,
    /** Something that is no file has a name of the store: it is left alone. */
    FOREIGN,
    /** The file system refused an operation, or there is no room. */
    REFUSED
  }

  /** The file system refused something. */
  static StoreFault refused(Path file, String expected, IOException e) {
    return new StoreFault(Kind.REFUSED, file, expected, reason(file, e));
  }

  /** Why, without the name of the file if that is said beside it. */
  static String reason(Path file, IOException e) {
    if (e instanceof FileSystemException f
        && f.getReason() != null
        && file.toString().equals(f.getFile())) {
      return f.getReason();
    }
    return e.getClass() == IOException.class ? e.getMessage() : e.toString();
  }

  /** One line: the file, what was expected and what was found. */
  @Override
  public String toString() {
    return file + ": expected " + expected + ", found " + found;
  }
}
