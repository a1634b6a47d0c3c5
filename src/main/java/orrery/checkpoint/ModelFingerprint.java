package orrery.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Tells one model from any other: SHA-256 over every byte that decides its numbers, which are the
 * JSON files of its config and all files of weights. So two models with the same fingerprint
 * compute the same rows.
 *
 * <pre>
 *   SHA-256( name, length, bytes of config.json,  the same of hf_quant_config.json, if it is there,
 *            of the index, if it is there,        of each file of weights, in the order of names )
 * </pre>
 *
 * <p>The names of files count, so a model in other shards is another one here; that costs only
 * misses. SHA-256 takes about a second for a gigabyte on a processor with instructions for it, and
 * the loader reads the same pages. So it is computed when it is first asked for, and kept. Then it
 * may be late: {@link FileStamps} tell whether the files are still those that were loaded.
 */
public final class ModelFingerprint {
  private static final List<String> CONFIGS =
      List.of("config.json", "hf_quant_config.json", WeightFiles.INDEX);
  private static final int BUFFER = 256 << 10; // bytes

  private final FileStamps loaded;
  private String digits; // null before it is asked for; guarded by this

  private ModelFingerprint(FileStamps loaded) {
    this.loaded = loaded;
  }

  /** Of the model that is loaded after this call. It reads no weight yet. */
  public static ModelFingerprint beforeLoading(Path directory) {
    return new ModelFingerprint(FileStamps.of(directory, ModelFingerprint::mayCount));
  }

  private static boolean mayCount(String file) {
    return CONFIGS.contains(file) || file.endsWith(".safetensors");
  }

  /**
   * The fingerprint of what was loaded, always the same: 64 hexadecimal digits. The first call
   * reads all weights; others wait for it.
   *
   * @throws CheckpointException if the first call finds other files than those that were loaded, or
   *     a file cannot be read
   */
  public synchronized String digits() {
    if (digits == null) {
      loaded.requireSame();
      String read = of(loaded.directory());
      loaded.requireSame(); // nor have they changed meanwhile
      digits = read;
    }
    return digits;
  }

  /**
   * The fingerprint of a model's directory: 64 hexadecimal digits.
   *
   * @throws CheckpointException if it is no model, or a file cannot be read
   */
  public static String of(Path directory) {
    MessageDigest sha = sha256();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    for (Path file : files(directory)) {
      try {
        update(sha, file, buffer);
      } catch (IOException e) {
        throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
      }
    }
    return HexFormat.of().formatHex(sha.digest());
  }

  private static List<Path> files(Path directory) {
    List<Path> files = new ArrayList<>();
    for (String name : CONFIGS) {
      Path file = directory.resolve(name);
      if (Files.exists(file)) {
        files.add(file);
      }
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      checkpoint.files().stream().sorted().forEach(files::add);
    }
    return files;
  }

  private static void update(MessageDigest sha, Path file, ByteBuffer buffer) throws IOException {
    byte[] name = file.getFileName().toString().getBytes(StandardCharsets.UTF_8);
    try (FileChannel channel = FileChannel.open(file)) {
      buffer.clear().putInt(name.length).put(name).putLong(channel.size());
      sha.update(buffer.flip());
      while (channel.read(buffer.clear()) >= 0) {
        sha.update(buffer.flip());
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
