package orrery.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Recognises the few lines that Git leaves in place of a large file where Git LFS is not installed.
 * This is the commonest fault of a downloaded model.
 *
 * <pre>
 *   version https://git-lfs.github.com/spec/v1
 *   oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
 *   size 15055560
 * </pre>
 *
 * <p>Source: the specification, github.com/git-lfs/git-lfs, {@code docs/spec.md}; a pointer has
 * less than 1,024 bytes.
 */
public final class LfsPointer {
  private static final int MAX_BYTES = 1024;
  private static final String START = "version https://git-lfs.github.com/spec/";
  private static final Pattern SIZE = Pattern.compile("(?m)^size ([0-9]{1,18})\\r?$");

  private LfsPointer() {}

  /** The problem of a file with this content, if the content is a pointer. */
  public static Optional<String> problem(String content) {
    if (!content.startsWith(START)) {
      return Optional.empty();
    }
    Matcher size = SIZE.matcher(content);
    return Optional.of(
        "expected the file itself, found a Git LFS pointer to its "
            + (size.find() ? size.group(1) + " bytes" : "content")
            + "; fetch it with \"git lfs install\" and \"git lfs pull\" in the model's"
            + " repository, or download the file again");
  }

  /** Refuses a file that is a pointer; reads at most as many bytes as a pointer has. */
  static void refuse(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      String start = new String(in.readNBytes(MAX_BYTES), StandardCharsets.ISO_8859_1);
      Optional<String> problem = problem(start);
      if (problem.isPresent()) {
        throw new CheckpointException(file, problem.get());
      }
    }
  }
}
