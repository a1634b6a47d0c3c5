package orrery.offload;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import orrery.offload.StoreFault.Kind;
import orrery.options.Options;

/**
 * Parts as files in a directory, one for each part ({@link PartFile}). Several engines, also in
 * several processes, may share the directory.
 *
 * <pre>
 *   put   .KEY.POOL.kvpart.….writing   written by this engine alone
 *              │ whole                 lock; make room if the limit is reached; total += bytes
 *              ▼ renamed
 *   get   KEY.POOL.kvpart              read without a lock, checksum, time of use := now
 * </pre>
 *
 * <p>A file gets its name when it is whole, and never changes after that. So a process that is
 * killed at any byte leaves a part or none. Nothing waits until the disk has the bytes ({@code
 * fsync}): when the machine loses its power, the checksum finds what is missing, and a part less is
 * only a miss. A reader that has opened a file reads it to the end, also when another engine
 * deletes or replaces it meanwhile.
 *
 * <p>Only files with the names of parts are read, counted or deleted; all others in the directory
 * are left alone. A failure of the disk is reported as a {@link StoreFault}, and the part is not
 * there; no method throws because of it.
 *
 * <p>Compared with one file for each part (docs, {@code kv-store-format.md}): SQLite and RocksDB
 * bring 12 MB and 92 MB of native code and half a second of start; a database that is damaged in
 * one place may be lost as a whole; and RocksDB lets only one process write. Segments to which
 * engines append cannot drop single parts by their last use without copying the others.
 */
public final class DirectoryPartStore implements PartStore {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final Path directory;
  private final long limit;
  private final Disk disk;
  private final InstantSource clock;
  private final Consumer<StoreFault> faults;
  private final StoreBudget budget;
  private final String writer = UUID.randomUUID().toString();
  private final AtomicLong written = new AtomicLong();

  /**
   * Opens the store of a directory, which is made if there is none. Files that were left
   * half-written are deleted, and what is beyond the limit.
   *
   * @param limit most bytes of all parts with their headers; beside them, each engine may have one
   *     file more that it is writing
   * @param faults is told what goes wrong, by whichever thread met it
   * @throws IllegalArgumentException naming the option, if the directory cannot be used
   */
  public static DirectoryPartStore open(Path directory, long limit, Consumer<StoreFault> faults) {
    return open(directory, limit, faults, new Disk(), InstantSource.system(), PATIENCE);
  }

  /** The same, with another file system, clock, and time to wait for a lock. */
  static DirectoryPartStore open(
      Path directory,
      long limit,
      Consumer<StoreFault> faults,
      Disk disk,
      InstantSource clock,
      Duration patience) {
    Options.check(limit > PartFile.HEADER, "hicache-storage-size", "room for a part", limit);
    var store = new DirectoryPartStore(directory, limit, faults, disk, clock, patience);
    try {
      Files.createDirectories(directory);
      if (!Files.isWritable(directory)) {
        throw new IOException("a directory that is read-only");
      }
      store.budget.recount();
      return store;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "hicache-storage-dir: expected a directory that can be written, found "
              + directory
              + ": "
              + StoreFault.reason(directory, e),
          e);
    }
  }

  private DirectoryPartStore(
      Path directory,
      long limit,
      Consumer<StoreFault> faults,
      Disk disk,
      InstantSource clock,
      Duration patience) {
    this.directory = directory;
    this.limit = limit;
    this.disk = disk;
    this.clock = clock;
    this.faults = faults;
    this.budget = new StoreBudget(directory, limit, disk, clock, faults, patience);
  }

  @Override
  public boolean contains(Part part) {
    return Files.isRegularFile(file(part), LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public boolean get(Part part, MemorySegment into) {
    Path file = file(part);
    Optional<PartFile.Wrong> wrong;
    try {
      if (isForeign(file)) {
        return false;
      }
      ByteBuffer header = PartFile.empty();
      long size = disk.read(file, header, into);
      wrong = PartFile.wrong(part, size, header, into);
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      refused(file, "it to be read", e);
      return false;
    }
    wrong.ifPresentOrElse(w -> removeBroken(file, w), () -> used(file));
    return wrong.isEmpty();
  }

  private void removeBroken(Path file, PartFile.Wrong wrong) {
    tell(Kind.BROKEN, file, wrong.expected(), wrong.found());
    try {
      budget.remove(file);
    } catch (IOException e) {
      refused(file, "it to be deleted", e);
    }
  }

  @Override
  public boolean used(Part part) {
    return contains(part) && used(file(part)); // else the use of a link would be one of its target
  }

  /** Sets the time of use; returns whether the file is still there. */
  private boolean used(Path file) {
    try {
      disk.used(file, clock.instant());
    } catch (NoSuchFileException e) {
      return false; // it was evicted after it was read
    } catch (IOException e) {
      refused(file, "its time of use to be set", e);
    }
    return true;
  }

  @Override
  public boolean put(Part part, MemorySegment bytes) {
    Path file = file(part);
    long size = PartFile.HEADER + bytes.byteSize();
    if (size > limit) {
      tell(Kind.REFUSED, file, "at most " + limit + " bytes", Long.toString(size));
      return false;
    }
    Path writing = directory.resolve(PartFile.writingName(part, writer, written.getAndIncrement()));
    boolean named = false;
    try {
      if (!isForeign(file)) {
        disk.write(writing, PartFile.header(part, bytes), bytes);
        disk.used(writing, clock.instant());
        named = budget.admit(writing, file, size);
        if (!named) {
          tell(Kind.REFUSED, file, "room for " + size + " bytes", "none that can be made");
        }
      }
    } catch (IOException e) {
      refused(file, "it to be written", e);
    }
    if (!named) {
      delete(writing);
    }
    return named;
  }

  private void delete(Path writing) {
    try {
      disk.delete(writing);
    } catch (IOException e) {
      refused(writing, "it to be deleted", e);
    }
  }

  /** Whether the name of a part is taken by something that is no file, which is reported. */
  private boolean isForeign(Path file) throws IOException {
    try {
      boolean foreign = !disk.look(file).isRegularFile();
      if (foreign) {
        tell(Kind.FOREIGN, file, "a file", "something else");
      }
      return foreign;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private Path file(Part part) {
    return directory.resolve(PartFile.name(part));
  }

  private void tell(Kind kind, Path file, String expected, String found) {
    faults.accept(new StoreFault(kind, file, expected, found));
  }

  private void refused(Path file, String expected, IOException e) {
    faults.accept(StoreFault.refused(file, expected, e));
  }

  @Override
  public long bytes() {
    return budget.lastSeen();
  }

  /** Nothing is open between two calls. */
  @Override
  public void close() {}
}
