package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
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
        assertThat(ours.tensor(name).shape()).as(name).isEqualTo(info.shape());
        if (info.dtype() == DType.I64) {
          assertThat(ours.tensor(name).longs()).as(name).isEqualTo(golden.tensor(name).longs());
        } else {
          assertThat(ours.tensor(name).dtype()).isEqualTo(DType.F32);
          float[] wanted = golden.tensor(name).floats();
          // Some residual streams reach into the hundreds; float32 is relative.
          float tolerance =
              name.endsWith(".weights") ? 1e-5f : 2e-4f * Math.max(1, largest(wanted) / 100);
          assertThat(worst(ours.tensor(name).floats(), wanted)).as(name).isLessThan(tolerance);
        }
        compared++;
      }
      assertThat(compared).isGreaterThan(5);
      assertThat(ours.has("mtp.logits")).isEqualTo(golden.has("mtp.logits"));
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
