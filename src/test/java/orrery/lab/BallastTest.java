package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.TensorDump;
import orrery.model.ModelInfo;

class BallastTest {
  @TempDir private Path directory;

  static List<Path> models() {
    return TinyModels.all();
  }

  private Path dump(Path model, int[] ids) {
    Path file = directory.resolve("dump-" + model.getFileName() + ".safetensors");
    try (LoadedModel loaded = LoadedModel.load(model)) {
      TensorDump.write(loaded, EngineOptions.defaults(), ids, file);
    }
    return file;
  }

  @ParameterizedTest
  @MethodSource("models")
  void theTwinComputesTheSameBitsEverywhere(Path model) throws IOException {
    int[] ids = IntStream.range(1, 40).toArray();
    Path twin = directory.resolve("twin");
    Ballast.write(model, 3, twin);
    assertThat(Files.mismatch(dump(model, ids), dump(twin, ids)))
        .as("first byte at which logits, streams, routes or MTP logits differ")
        .isEqualTo(-1);
  }

  @ParameterizedTest
  @MethodSource("models")
  void theTwinIsAsManyTimesAsWideAndNothingElse(Path model) {
    Path twin = directory.resolve("twin");
    Ballast.write(model, 3, twin);
    try (LoadedModel small = LoadedModel.load(model);
        LoadedModel large = LoadedModel.load(twin)) {
      List<ModelInfo.Part> before = small.model().info().parts();
      List<ModelInfo.Part> after = large.model().info().parts();
      assertThat(after).hasSameSizeAs(before);
      for (int i = 0; i < before.size(); i++) {
        String role = before.get(i).role();
        boolean wide = role.contains("feed-forward") || role.contains("expert");
        assertThat(after.get(i).parameters())
            .as(role)
            .isEqualTo(before.get(i).parameters() * (wide ? 3 : 1));
        assertThat(after.get(i).activeBytes())
            .as("dtype of " + role)
            .isEqualTo(before.get(i).activeBytes() * (wide ? 3 : 1));
      }
      assertThat(large.eos()).isEqualTo(small.eos());
      assertThat(large.tokenizer().isPresent()).isEqualTo(small.tokenizer().isPresent());
    }
  }

  @Test
  void anAddedColumnKeepsEvenTheSignOfASumThatVanished() {
    float down = -0.0f; // what Ballast writes
    float activation = 0.0f; // silu(+0) · +0
    for (float sum : new float[] {-0.0f, 0.0f, Float.MIN_VALUE, -1, Float.POSITIVE_INFINITY}) {
      assertThat(Float.floatToRawIntBits(Math.fma(down, activation, sum)))
          .isEqualTo(Float.floatToRawIntBits(sum));
    }
    assertThat(Float.floatToRawIntBits(Math.fma(0.0f, activation, -0.0f)))
        .as("why the added columns are -0 and not +0")
        .isNotEqualTo(Float.floatToRawIntBits(-0.0f));
  }

  @Test
  void aSumThatUnderflowsToMinusZeroStaysSo() throws IOException {
    EditedModel edited = EditedModel.of(TinyModels.speck("groups"));
    for (String name : List.copyOf(edited.tensors.keySet())) {
      if (name.endsWith("down_proj.weight")) {
        EditedModel.Values v = edited.tensors.get(name).asF32();
        for (int i = 0; i < v.floats().length; i++) {
          v.floats()[i] = i % 2 == 0 ? -Float.MIN_VALUE : Float.MIN_VALUE;
        }
        edited.tensors.put(name, v);
      }
    }
    Path model = edited.writeTo(Files.createDirectory(directory.resolve("vanishing")));
    Path twin = directory.resolve("twin");
    Ballast.write(model, 2, twin);
    int[] ids = {1, 2, 3, 4, 5, 6, 7, 8};
    assertThat(Files.mismatch(dump(model, ids), dump(twin, ids))).isEqualTo(-1);
  }

  @Test
  void aDirectoryWithFilesIsLeftAlone() throws IOException {
    Files.writeString(directory.resolve("precious"), "text");
    assertThatThrownBy(() -> Ballast.write(TinyModels.speck("mtp"), 2, directory))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("expected a new or empty directory");
    assertThat(directory).isDirectoryContaining(p -> p.endsWith("precious"));
    assertThat(directory.resolve("config.json")).doesNotExist();
  }

  @Test
  void theDefaultFactorMakesOneTokensWeightsFourLastLevelCaches() {
    long cache = Machine.look().lastLevelCache();
    long wanted = 4 * (cache > 0 ? cache : 32 << 20);
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"))) {
      ModelInfo info = loaded.model().info();
      int factor = Ballast.factorFor(info);
      assertThat(bytes(info, factor)).isGreaterThanOrEqualTo(wanted);
      assertThat(bytes(info, factor - 1)).isLessThan(wanted);
    }
  }

  /** Bytes of weights that one token of a twin reads. */
  private static long bytes(ModelInfo info, int factor) {
    long bytes = 0;
    for (ModelInfo.Part part : info.parts()) {
      if (!part.role().startsWith("mtp")) {
        boolean wide = part.role().contains("feed-forward") || part.role().contains("expert");
        bytes += part.activeBytes() * (wide ? factor : 1);
      }
    }
    return bytes;
  }
}
