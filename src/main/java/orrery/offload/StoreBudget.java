package orrery.offload;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Keeps the parts in a directory below a limit, whichever engines write them. When a part would not
 * fit, those go that were used longest ago, until an eighth of the limit is free: to look through
 * the directory costs some microseconds for each file, so it is not done for every part.
 *
 * <p>A file's time of last modification is the time of its last use. Its content never changes, and
 * this time is the only one that every file system keeps and every engine may set.
 */
final class StoreBudget {
  private static final int FREED = 8; // an eighth of the limit
  private static final Duration ABANDONED = Duration.ofMinutes(1); // writing takes milliseconds

  private final Path directory;
  private final long limit;
  private final Disk disk;
  private final InstantSource clock;
  private final Consumer<StoreFault> faults;
  private final UsageFile usage;
  private volatile long lastSeen; // bytes

  StoreBudget(
      Path directory,
      long limit,
      Disk disk,
      InstantSource clock,
      Consumer<StoreFault> faults,
      Duration patience) {
    this.directory = directory;
    this.limit = limit;
    this.disk = disk;
    this.clock = clock;
    this.faults = faults;
    this.usage = new UsageFile(directory, patience);
  }

  /** Counts what is there, and deletes what is beyond the limit. */
  void recount() throws IOException {
    usage.locked(
        total -> {
          set(total, makeRoom(0, limit));
          return null;
        });
  }

  /**
   * Gives a file that is completely written its name, if there is room for it or room can be made.
   *
   * @return whether it has the name now
   */
  boolean admit(Path written, Path name, long size) throws IOException {
    return usage.locked(total -> admit(total, written, name, size));
  }

  private boolean admit(UsageFile.Total total, Path written, Path name, long size)
      throws IOException {
    long before = sizeOf(name); // bytes of the file that is replaced
    OptionalLong known = total.get();
    long others = known.isPresent() ? Math.max(0, known.getAsLong() - before) : limit;
    if (known.isEmpty() || others + size > limit) {
      others = makeRoom(size, limit - limit / FREED);
      before = sizeOf(name); // it may have gone
      others -= before;
    }
    boolean fits = others + size <= limit;
    set(
        total,
        others + (fits ? Math.max(size, before) : before)); // not too small, if the rename fails
    if (fits) {
      disk.rename(written, name);
    }
    return fits;
  }

  /** Deletes a file of the store. */
  void remove(Path file) throws IOException {
    usage.locked(
        total -> {
          long size = sizeOf(file);
          if (disk.delete(file) && total.get().isPresent()) {
            set(total, Math.max(0, total.get().getAsLong() - size));
          }
          return null;
        });
  }

  /** Bytes of all parts, when this engine last wrote. */
  long lastSeen() {
    return lastSeen;
  }

  private void set(UsageFile.Total total, long bytes) throws IOException {
    total.set(bytes);
    lastSeen = bytes;
  }

  /** Bytes of a part's file, 0 if there is none. */
  private long sizeOf(Path file) throws IOException {
    try {
      BasicFileAttributes found = disk.look(file);
      return found.isRegularFile() ? found.size() : 0;
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  /**
   * Deletes the parts that were used longest ago, if {@code size} more bytes would be beyond {@code
   * goal}.
   *
   * @return bytes of the parts that are left
   */
  private long makeRoom(long size, long goal) throws IOException {
    List<Entry> parts = scan();
    parts.sort(Comparator.comparing(Entry::used).thenComparing(Entry::file));
    long left = parts.stream().mapToLong(Entry::size).sum();
    for (Entry part : parts) {
      if (left + size <= goal) {
        break;
      }
      if (deleted(part.file)) {
        left -= part.size;
      }
    }
    return left;
  }

  private boolean deleted(Path file) {
    try {
      disk.delete(file);
      return true;
    } catch (IOException e) {
      faults.accept(StoreFault.refused(file, "it to be deleted, so that there is room", e));
      return false;
    }
  }

  private record Entry(Path file, long size, Instant used) {}

  /** All files of parts. Deletes what a killed engine has left half-written. */
  private List<Entry> scan() throws IOException {
    List<Entry> parts = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (PartFile.isName(name) || PartFile.isWriting(name)) {
          look(file, parts);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return parts;
  }

  private void look(Path file, List<Entry> parts) throws IOException {
    BasicFileAttributes found;
    try {
      found = disk.look(file);
    } catch (NoSuchFileException e) {
      return; // its writer has renamed or deleted it
    }
    Instant used = found.lastModifiedTime().toInstant();
    if (!found.isRegularFile()) {
      return; // not ours
    }
    if (PartFile.isName(file.getFileName().toString())) {
      parts.add(new Entry(file, found.size(), used));
    } else if (used.isBefore(clock.instant().minus(ABANDONED))) {
      deleted(file);
    }
  }
}
