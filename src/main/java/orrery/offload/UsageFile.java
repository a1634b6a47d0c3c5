package orrery.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;

/**
 * Bytes that the parts in a directory take, for all engines that share it. An engine that changes
 * what the directory has holds the lock of this file meanwhile; one that reads needs none. When a
 * process dies, the system gives its lock back.
 *
 * <pre>
 *   offset  bytes
 *        0      8   "ORRERYKU" in ASCII
 *        8      8   bytes of all parts with their headers, little-endian
 *       16      4   CRC-32C of the 16 bytes before, little-endian
 * </pre>
 *
 * <p>The total is written before a part appears and after parts have gone. So a process that is
 * killed in between leaves a total that is too large, never one that is too small; who finds that
 * the limit is reached, looks into the directory and corrects it.
 *
 * <p>A system may tie a lock of a file to the process, and drop it when the process closes any
 * other channel of that file (POSIX does). So the stores of one process take turns, by a monitor.
 */
final class UsageFile {
  /** Its name. */
  static final String NAME = "orrery-kv.usage";

  private static final byte[] MAGIC = "ORRERYKU".getBytes(StandardCharsets.US_ASCII);
  private static final int TOTAL_AT = 8;
  private static final int CHECKSUM_AT = 16;
  private static final int BYTES = 20;
  private static final long RETRY_NANOS = 200_000;

  private final Path file;
  private final Duration patience;

  /**
   * @param patience how long to wait for the lock; another engine may have been stopped with it
   */
  UsageFile(Path directory, Duration patience) {
    this.file = directory.resolve(NAME);
    this.patience = patience;
  }

  /** What is done under the lock. */
  interface Change<T> {
    T apply(Total total) throws IOException;
  }

  /** Does something under the lock. */
  <T> T locked(Change<T> change) throws IOException {
    synchronized (UsageFile.class) {
      try (FileChannel channel =
              FileChannel.open(
                  file,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE);
          FileLock lock = lock(channel)) {
        assert lock.isValid();
        return change.apply(new Total(channel));
      }
    }
  }

  private FileLock lock(FileChannel channel) throws IOException {
    long until = System.nanoTime() + patience.toNanos();
    FileLock lock = channel.tryLock();
    while (lock == null) {
      if (System.nanoTime() > until) {
        throw new IOException(
            "another process has held the lock of " + file + " for " + patience.toMillis() + " ms");
      }
      LockSupport.parkNanos(RETRY_NANOS);
      lock = channel.tryLock();
    }
    return lock;
  }

  /** The total, while the lock is held. */
  static final class Total {
    private final FileChannel channel;

    private Total(FileChannel channel) {
      this.channel = channel;
    }

    /** The total; empty if the file does not have it, since it is new or damaged. */
    OptionalLong get() throws IOException {
      ByteBuffer found = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
      while (found.hasRemaining() && channel.read(found, found.position()) >= 0) {
        // until the buffer is full or the file has ended
      }
      long total = found.getLong(TOTAL_AT);
      return total >= 0 && found.clear().equals(bytes(total))
          ? OptionalLong.of(total)
          : OptionalLong.empty();
    }

    void set(long total) throws IOException {
      ByteBuffer bytes = bytes(total);
      while (bytes.hasRemaining()) {
        channel.write(bytes, bytes.position());
      }
    }

    private static ByteBuffer bytes(long total) {
      ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
      CRC32C crc = new CRC32C();
      crc.update(bytes.put(0, MAGIC).putLong(TOTAL_AT, total).array(), 0, CHECKSUM_AT);
      return bytes.putInt(CHECKSUM_AT, (int) crc.getValue());
    }
  }
}
