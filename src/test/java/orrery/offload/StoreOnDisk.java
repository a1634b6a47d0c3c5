package orrery.offload;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** A directory, the stores that a test opens in it, and what they told. */
final class StoreOnDisk {
  final Path directory;
  final List<StoreFault> told = Collections.synchronizedList(new ArrayList<>());
  private final AtomicLong now = new AtomicLong(System.currentTimeMillis());

  StoreOnDisk(Path directory) {
    this.directory = directory;
  }

  /** Every look at the clock is a millisecond later than the one before. */
  InstantSource clock() {
    return () -> Instant.ofEpochMilli(now.incrementAndGet());
  }

  /** Lets time pass. */
  void pass(Duration time) {
    now.addAndGet(time.toMillis());
  }

  DirectoryPartStore open(long limit) {
    return open(limit, new Disk());
  }

  DirectoryPartStore open(long limit, Disk disk) {
    return DirectoryPartStore.open(
        directory, limit, told::add, disk, clock(), Duration.ofSeconds(20));
  }

  /** The file of a part. */
  Path file(int number) {
    return directory.resolve(PartFile.name(Parts.part(number)));
  }

  /** All files but that of the usage. */
  List<Path> files() {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(f -> !f.getFileName().toString().equals(UsageFile.NAME))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes of all parts, as the directory has them. */
  long bytesOfParts() {
    return files().stream()
        .filter(f -> PartFile.isName(f.getFileName().toString()))
        .mapToLong(f -> f.toFile().length())
        .sum();
  }

  /** What was told since the last call. */
  List<StoreFault> takeTold() {
    synchronized (told) {
      List<StoreFault> now = List.copyOf(told);
      told.clear();
      return now;
    }
  }
}
