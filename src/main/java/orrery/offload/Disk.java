package orrery.offload;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;

/** What a {@link DirectoryPartStore} asks of a file system; a test may put a faulty one in. */
class Disk {

  /** Writes a new file. */
  void write(Path file, ByteBuffer header, MemorySegment rows) throws IOException {
    ByteBuffer[] all = {header, rows.asByteBuffer()};
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      while (all[0].hasRemaining() || all[1].hasRemaining()) {
        channel.write(all);
      }
    }
  }

  /**
   * Reads a file from its beginning, as much as there is room for.
   *
   * @return bytes of the whole file
   */
  long read(Path file, ByteBuffer header, MemorySegment rows) throws IOException {
    ByteBuffer[] all = {header, rows.asByteBuffer()};
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      long size = channel.size();
      while (all[0].hasRemaining() || all[1].hasRemaining()) {
        if (channel.read(all) < 0) {
          return Math.min(size, all[0].position() + all[1].position()); // cut while it was read
        }
      }
      return size;
    }
  }

  /** Gives a file another name at once; a file that has this name already is replaced. */
  void rename(Path file, Path name) throws IOException {
    Files.move(file, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Says when a file was last used. */
  void used(Path file, Instant when) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(when));
  }

  /** Size, kind and last use; of a link itself, not of what it leads to. */
  BasicFileAttributes look(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  /** Deletes a file; returns whether there was one. */
  boolean delete(Path file) throws IOException {
    return Files.deleteIfExists(file);
  }
}
