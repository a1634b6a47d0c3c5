package orrery.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import orrery.checkpoint.CheckpointException;

/**
 * Tells one model from another without reading all of it: SHA-256 over the config and, of each file
 * of weights, its length, its beginning and samples at equal distances.
 */
public final class Fingerprint {
  private static final int BEGINNING = 64 << 10; // bytes: names and shapes, or most of them
  private static final int SAMPLE = 4 << 10; // bytes
  private static final int SAMPLES = 64;
  private static final int SHOWN = 8; // bytes

  private Fingerprint() {}

  /**
   * The fingerprint of a model's directory: 16 hexadecimal digits.
   *
   * @throws CheckpointException if it has no config
   */
  public static String of(Path directory) {
    Path config = directory.resolve("config.json");
    if (!Files.isRegularFile(config)) {
      throw new CheckpointException(config, "no such file");
    }
    try (Stream<Path> files = Files.list(directory)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(Files.readAllBytes(config));
      List<Path> weights =
          files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
      for (Path file : weights) {
        sample(file, digest);
      }
      return HexFormat.of().formatHex(digest.digest(), 0, SHOWN);
    } catch (IOException e) {
      throw new UncheckedIOException(directory + ": cannot be read: " + e, e);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every Java has it
    }
  }

  private static void sample(Path file, MessageDigest digest) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long length = channel.size();
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, length));
      update(channel, 0, BEGINNING, digest);
      for (int i = 1; i <= SAMPLES; i++) {
        update(channel, Math.max(0, length - SAMPLE) * i / SAMPLES, SAMPLE, digest);
      }
    }
  }

  private static void update(FileChannel channel, long at, int bytes, MessageDigest digest)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {
      // until the buffer is full or the file has ended
    }
    digest.update(buffer.flip());
  }
}
