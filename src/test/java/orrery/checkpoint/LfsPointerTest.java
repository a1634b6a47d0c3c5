package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.text.Tokenizer;
import orrery.text.TokenizerException;

class LfsPointerTest {
  private static final String POINTER =
      """
      version https://git-lfs.github.com/spec/v1
      oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
      size 15055560
      """;
  private static final String PROBLEM =
      ": expected the file itself, found a Git LFS pointer to its 15055560 bytes; fetch it with"
          + " \"git lfs install\" and \"git lfs pull\" in the model's repository, or download the"
          + " file again";

  @TempDir Path directory;

  private Path pointer(String name) throws IOException {
    return Files.writeString(directory.resolve(name), POINTER);
  }

  @Test
  void weightsThatAreAPointerAreRefusedAsAPointer() throws IOException {
    Path file = pointer("model.safetensors");
    assertThatThrownBy(() -> Checkpoint.open(directory))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + PROBLEM);
    Path index = pointer("model.safetensors.index.json");
    assertThatThrownBy(() -> Checkpoint.open(directory)).hasMessage(index + PROBLEM);
  }

  @Test
  void aConfigThatIsAPointerIsRefusedAsAPointer() throws IOException {
    Path file = pointer("config.json");
    assertThatThrownBy(() -> JsonConfig.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + PROBLEM);
  }

  @Test
  void aTokenizerThatIsAPointerIsRefusedAsAPointer() throws IOException {
    Path file = pointer("tokenizer.json");
    assertThatThrownBy(() -> Tokenizer.open(directory))
        .isInstanceOf(TokenizerException.class)
        .hasMessage(file + PROBLEM);
  }

  @Test
  void aPointerWithWindowsLineEndsOrWithoutASizeIsRecognised() {
    assertThat(LfsPointer.problem(POINTER.replace("\n", "\r\n")).orElseThrow())
        .contains("pointer to its 15055560 bytes;");
    assertThat(LfsPointer.problem(POINTER.lines().findFirst().orElseThrow()).orElseThrow())
        .contains("pointer to its content;");
    assertThat(LfsPointer.problem("{\"version\": 1}")).isEmpty();
  }
}
