package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.checkpoint.DType;
import orrery.checkpoint.SafetensorsFile;
import orrery.checkpoint.TensorInfo;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.kernels.KernelSet;
import orrery.kernels.ScalarKernels;

class TensorDumpTest {
  private static final EngineOptions SCALAR =
      EngineOptions.defaults().withCompute(c -> c.withKernels(KernelSet.SCALAR));

  @TempDir Path directory;

  static List<Path> models() {
    return TinyModels.all();
  }

  private Path dump(Path model, EngineOptions options, int... ids) {
    Path file = directory.resolve("dump.safetensors");
    try (LoadedModel loaded = LoadedModel.load(model)) {
      TensorDump.write(loaded, options, ids, 3, file);
    }
    return file;
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyTensorThatTransformersGaveUsIsThereAndMatches(Path model) {
    try (SafetensorsFile golden = TinyModels.golden(model);
        SafetensorsFile ours = SafetensorsFile.open(dump(model, SCALAR, TinyModels.ids(model)))) {
      int compared = 0;
      for (TensorInfo info : golden.infos()) {
        String name = info.name();
        if (!name.matches("(ids|logits|hidden|streams|router|mtp\\.(logits|streams))(\\..+)?")) {
          continue; // other prompts, chains behind other prefixes, what transformers selected
        }
        assertThat(ours.has(name)).as(name).isTrue();
        int[] rows = rows(golden, info);
        long[] shape = ours.tensor(name).shape();
        assertThat(Arrays.copyOfRange(shape, 1, shape.length))
            .as(name)
            .isEqualTo(Arrays.copyOfRange(info.shape(), 1, info.shape().length));
        if (info.dtype() == DType.I64) {
          long[] found = ours.tensor(name).longs();
          int width = found.length / (int) shape[0];
          long[] wanted = golden.tensor(name).longs();
          for (int i = 0; i < rows.length; i++) {
            assertThat(Arrays.copyOfRange(found, rows[i] * width, (rows[i] + 1) * width))
                .as("%s, row %d", name, rows[i])
                .isEqualTo(Arrays.copyOfRange(wanted, i * width, (i + 1) * width));
          }
        } else {
          assertThat(ours.tensor(name).dtype()).isEqualTo(DType.F32);
          float[] wanted = golden.tensor(name).floats();
          // Some residual streams reach into the hundreds; float32 is relative.
          float tolerance =
              name.endsWith(".weights") ? 1e-5f : 2e-4f * Math.max(1, largest(wanted) / 100);
          float[] found = ours.tensor(name).floats();
          int width = found.length / Math.max(1, (int) shape[0]);
          float[] chosen = new float[rows.length * width]; // [rows][width]
          for (int i = 0; i < rows.length; i++) {
            System.arraycopy(found, rows[i] * width, chosen, i * width, width);
          }
          assertThat(worst(chosen, wanted)).as(name).isLessThan(tolerance);
        }
        compared++;
      }
      assertThat(compared).isGreaterThan(5);
      assertThat(ours.has("mtp.logits")).isEqualTo(golden.has("mtp.logits"));
    }
  }

  /** The rows of ours that a golden tensor has: all, unless the file names some. */
  private static int[] rows(SafetensorsFile golden, TensorInfo info) {
    String names = info.name().startsWith("mtp.") ? "mtp.rows" : "rows";
    return golden.has(names) && !info.name().equals("ids")
        ? TinyModels.ints(golden, names)
        : IntStream.range(0, (int) info.shape()[0]).toArray();
  }

  /** A golden file of some rows has the best tokens of all rows. */
  @Test
  void theBestTokenOfEachOf1024TokensIsThatOfTransformers() {
    Path model = Path.of("tiny-models", "storyteller-v4");
    try (SafetensorsFile golden = TinyModels.golden(model);
        SafetensorsFile ours = SafetensorsFile.open(dump(model, SCALAR, TinyModels.ids(model)))) {
      int[] ids = TinyModels.ints(golden, "top.ids"); // [1024][4]
      float[] best = golden.tensor("top.logits").floats(); // [1024][4]
      float[] logits = ours.tensor("logits").floats(); // [1024][vocab]
      int vocab = logits.length / 1024;
      assertThat(ids).hasSize(4 * 1024);
      for (int row = 0; row < 1024; row++) {
        assertThat(new ScalarKernels().argmax(logits, row * vocab, vocab))
            .as("row %d", row)
            .isEqualTo(ids[4 * row]);
        for (int i = 4 * row; i < 4 * row + 4; i++) {
          assertThat(logits[row * vocab + ids[i]]).isCloseTo(best[i], within(2e-4f));
        }
      }
    }
  }

  private static float largest(float[] x) {
    float largest = 0;
    for (float v : x) {
      largest = Math.max(largest, Math.abs(v));
    }
    return largest;
  }

  private static float worst(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    float worst = 0;
    for (int i = 0; i < actual.length; i++) {
      float difference = Math.abs(actual[i] - expected[i]);
      worst = Float.isNaN(difference) ? Float.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    return worst;
  }

  @ParameterizedTest
  @MethodSource("models")
  void noSwitchChangesAByteOfTheFile(Path model) throws IOException {
    int[] ids = Arrays.copyOf(TinyModels.ids(model), 60);
    byte[] expected =
        Files.readAllBytes(dump(model, SCALAR.withBatching(b -> b.withChunkedPrefillSize(1)), ids));
    for (KernelSet kernels : KernelSet.values()) {
      for (int chunk : new int[] {7, 59, 512}) {
        for (int threads : new int[] {1, 2}) {
          EngineOptions options =
              EngineOptions.defaults()
                  .withCompute(
                      c -> c.withThreads(threads).withKernels(kernels).withGraph(chunk == 7))
                  .withBatching(b -> b.withChunkedPrefillSize(chunk));
          assertThat(Files.readAllBytes(dump(model, options, ids)))
              .as("%s", options)
              .isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void oneTokenGivesOneRowOfEverythingAndNoneOfMtp() {
    try (SafetensorsFile ours =
        SafetensorsFile.open(dump(TinyModels.speck("groups"), SCALAR, 42))) {
      assertThat(ours.tensor("logits").shape()).containsExactly(1, 101);
      assertThat(ours.tensor("mtp.logits").shape()).containsExactly(0, 101);
      assertThat(new TreeSet<>(ours.names()))
          .contains("ids", "hidden", "streams.0", "streams.2", "router.1.experts");
    }
  }

  @Test
  void allPositionsOfTheModelCanBeDumpedAndNotOneMore() {
    Path model = TinyModels.speck("bias");
    try (SafetensorsFile ours = SafetensorsFile.open(dump(model, SCALAR, new int[256]))) {
      assertThat(ours.tensor("logits").shape()).containsExactly(256, 97);
    }
    assertThatThrownBy(() -> dump(model, SCALAR, new int[257]))
        .hasMessage("ids: expected 1 to 256 tokens, found 257");
  }

  @Test
  void idsThatAreTooManyOrOutsideTheVocabularyAreNamed() {
    Path model = TinyModels.speck("bias");
    assertThatThrownBy(() -> dump(model, SCALAR))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ids: expected 1 to 256 tokens, found 0");
    assertThatThrownBy(() -> dump(model, SCALAR, 1, 97))
        .hasMessage("ids: expected token ids from 0 to 96, found 97");
    assertThatThrownBy(() -> dump(model, SCALAR, -1))
        .hasMessage("ids: expected token ids from 0 to 96, found -1");
    assertThat(directory).isEmptyDirectory();
  }
}
