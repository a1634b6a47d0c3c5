package orrery.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import orrery.engine.Heap;

/**
 * A directory that is written whole or not at all. It must be new or empty, so that no file is
 * destroyed. If writing fails or is interrupted, everything that was made is removed again: files,
 * the directory, and the directories above it that were not there before.
 */
final class NewDirectory {
  private final Path directory;
  private final List<Path> made = new ArrayList<>(); // in the order in which they can be deleted

  /** Writes files by means of {@link #file}. */
  interface Content {
    void writeTo(NewDirectory directory) throws IOException;
  }

  private NewDirectory(Path directory) {
    this.directory = directory;
  }

  /**
   * Checks that a directory can be made, before anything is computed for it.
   *
   * @param what the thing that will be in it, in words
   * @param bytes its size
   * @throws IOException if there is something already, or if the disk has no room
   */
  static void require(Path directory, String what, long bytes) throws IOException {
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      throw new IOException("expected a new or empty directory, found a file");
    }
    if (Files.exists(directory)) {
      try (Stream<Path> entries = Files.list(directory)) {
        if (entries.findAny().isPresent()) {
          throw new IOException("expected a new or empty directory, found files in it");
        }
      }
    }
    Path there = directory.toAbsolutePath();
    while (!Files.exists(there)) {
      there = there.getParent();
    }
    long room = Files.getFileStore(there).getUsableSpace();
    if (bytes > room) {
      throw new IOException(
          what + " takes " + Heap.size(bytes) + ", and the disk has " + Heap.size(room) + " left");
    }
  }

  /** Makes the directory and what is in it; if that fails, nothing of it stays. */
  static void write(Path directory, Content content) throws IOException {
    NewDirectory whole = new NewDirectory(directory);
    try {
      for (Path d = directory.toAbsolutePath(); !Files.exists(d); d = d.getParent()) {
        whole.made.add(d);
      }
      Files.createDirectories(directory);
      content.writeTo(whole);
    } catch (IOException | RuntimeException | Error e) {
      for (Path path : whole.made) {
        Files.deleteIfExists(path);
      }
      throw e;
    }
  }

  /** The path of a file that is about to be written. */
  Path file(String name) {
    Path file = directory.resolve(name);
    made.addFirst(file);
    return file;
  }

  /** Copies a file of a model. */
  void copy(Path from) throws IOException {
    Files.copy(from, file(from.getFileName().toString()));
  }
}
