package orrery.offload;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Arrays;

/**
 * A file system that fails where a plan says so. An operation that fails has done nothing; a write
 * has written some of its bytes.
 */
final class FaultyDisk extends Disk {
  /** What happens at each operation, which are counted from 0. */
  interface Plan {
    /** Fails the operation, or lets it pass. Returns how many bytes a write may write. */
    int at(int operation, String name) throws IOException;
  }

  /** A write that writes everything. */
  static final int ALL = Integer.MAX_VALUE;

  /** The process is killed: unlike a failure, nothing is done after it. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1;
  }

  private final Plan plan;
  private int operations;

  FaultyDisk(Plan plan) {
    this.plan = plan;
  }

  /** Operations so far. */
  int operations() {
    return operations;
  }

  private int next(String name) throws IOException {
    return plan.at(operations++, name);
  }

  @Override
  void write(Path file, ByteBuffer header, MemorySegment rows) throws IOException {
    byte[] all = new byte[header.remaining() + Math.toIntExact(rows.byteSize())];
    int headerBytes = header.remaining();
    header.get(all, 0, headerBytes);
    rows.asByteBuffer().get(all, headerBytes, all.length - headerBytes);
    int most = 0;
    try {
      most = next("write");
    } finally {
      int written = Math.min(most, all.length);
      Files.write(file, Arrays.copyOf(all, written));
    }
    if (most < all.length) {
      throw new IOException("No space left on device");
    }
  }

  @Override
  long read(Path file, ByteBuffer header, MemorySegment rows) throws IOException {
    next("read");
    return super.read(file, header, rows);
  }

  @Override
  void rename(Path file, Path name) throws IOException {
    next("rename");
    super.rename(file, name);
  }

  @Override
  void used(Path file, Instant when) throws IOException {
    next("used");
    super.used(file, when);
  }

  @Override
  BasicFileAttributes look(Path file) throws IOException {
    next("look");
    return super.look(file);
  }

  @Override
  boolean delete(Path file) throws IOException {
    next("delete");
    return super.delete(file);
  }
}
