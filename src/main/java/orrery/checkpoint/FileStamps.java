package orrery.checkpoint;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * What some files of a directory were at a moment: a file that is written over or replaced gets
 * another time or another number. A mapping would not tell that: it shows what is written over it.
 *
 * @param which names of the files that are looked at
 * @param stamps by name; empty if there was no such directory
 */
record FileStamps(Path directory, Predicate<String> which, Map<String, Stamp> stamps) {

  /**
   * One file, links followed.
   *
   * @param key its number in its file system; null if that has none
   */
  record Stamp(long bytes, FileTime modified, Object key) {}

  /**
   * Looks at the files now.
   *
   * @throws CheckpointException if the directory cannot be listed
   */
  static FileStamps of(Path directory, Predicate<String> which) {
    return new FileStamps(directory, which, read(directory, which));
  }

  private static Map<String, Stamp> read(Path directory, Predicate<String> which) {
    Map<String, Stamp> stamps = new TreeMap<>();
    if (!Files.isDirectory(directory)) {
      return stamps;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (which.test(name) && Files.exists(file)) { // some links lead nowhere
          var now = Files.readAttributes(file, BasicFileAttributes.class);
          stamps.put(name, new Stamp(now.size(), now.lastModifiedTime(), now.fileKey()));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw new CheckpointException(directory, "cannot be listed: " + e.getMessage(), e);
    }
    return stamps;
  }

  /**
   * Checks that the files are still the same.
   *
   * @throws CheckpointException naming the first file that is another one, has gone or is new
   */
  void requireSame() {
    Map<String, Stamp> now = read(directory, which);
    TreeSet<String> names = new TreeSet<>(stamps.keySet());
    names.addAll(now.keySet());
    for (String name : names) {
      if (!Objects.equals(stamps.get(name), now.get(name))) {
        throw new CheckpointException(
            directory.resolve(name),
            "has changed since the model was loaded, and no cached row is named after other"
                + " weights than its own; start again");
      }
    }
  }
}
