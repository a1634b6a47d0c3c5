package orrery.lab;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The operating system's cache of files. A file that was just written is read from there, not from
 * the disk; so a measurement of the disk must drop it first ({@code posix_fadvise}, Linux).
 */
final class PageCache {
  private static final int DONT_NEED = 4; // POSIX_FADV_DONTNEED
  private static final int PAGE = 4096; // bytes

  private static final Linker LINKER = Linker.nativeLinker();
  private static final FunctionDescriptor OPEN = FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT);
  private static final Linker.Option VARIADIC = Linker.Option.firstVariadicArg(2); // its mode
  private static final FunctionDescriptor ADVISE =
      FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final FunctionDescriptor CLOSE = FunctionDescriptor.of(JAVA_INT, JAVA_INT);

  private PageCache() {}

  /**
   * Asks the system to drop all files in a directory.
   *
   * @return which share of their bytes is still in the cache, of 1; a file system in memory drops
   *     nothing
   */
  static double drop(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      List<Path> files = entries.filter(Files::isRegularFile).toList();
      for (Path file : files) {
        write(file);
        dontNeed(file);
      }
      long pages = 0;
      long left = 0;
      for (Path file : files) {
        long own = Math.ceilDiv(Files.size(file), PAGE);
        pages += own;
        left += resident(file);
      }
      return pages == 0 ? 0 : (double) left / pages;
    } catch (IOException e) {
      throw new UncheckedIOException(directory + ": cannot be dropped: " + e, e);
    }
  }

  /** Only what the disk has can be dropped. */
  private static void write(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(false);
    }
  }

  /** Asks for one file; a system that cannot be asked keeps it, and the count of pages tells so. */
  private static void dontNeed(Path file) {
    Optional<MemorySegment> advise = LINKER.defaultLookup().find("posix_fadvise");
    if (advise.isEmpty()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      int fd = (int) function("open", OPEN, VARIADIC).invokeExact(arena.allocateFrom(file + ""), 0);
      int _ = (int) LINKER.downcallHandle(advise.get(), ADVISE).invokeExact(fd, 0L, 0L, DONT_NEED);
      int _ = (int) function("close", CLOSE).invokeExact(fd);
    } catch (Throwable t) {
      throw new IllegalStateException("posix_fadvise of " + file, t);
    }
  }

  private static MethodHandle function(
      String name, FunctionDescriptor form, Linker.Option... options) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), form, options);
  }

  private static long resident(Path file) throws IOException {
    long resident = 0;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        Arena arena = Arena.ofShared()) {
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      for (long at = 0; at < mapped.byteSize(); at += PAGE) {
        long end = Math.min(mapped.byteSize(), at + PAGE);
        resident += mapped.asSlice(at, end - at).isLoaded() ? 1 : 0;
      }
    }
    return resident;
  }
}
