package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.TensorInfo;
import orrery.engine.EngineOptions;
import orrery.engine.Heap;
import orrery.engine.LoadedModel;
import orrery.model.ModelInfo;

class BallastTest {
  @TempDir private Path directory;

  static List<Path> models() {
    return Stream.of(TinyModels.all(), TinyModels.quantised()).flatMap(List::stream).toList();
  }

  private Path dump(Path model, int[] ids) {
    Path file = directory.resolve("dump-" + model.getFileName() + ".safetensors");
    try (LoadedModel loaded = LoadedModel.load(model)) {
      TensorDump.write(loaded, EngineOptions.defaults(), ids, 3, file);
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
      List<ModelInfo.WeightGroup> before = small.model().info().groups();
      List<ModelInfo.WeightGroup> after = large.model().info().groups();
      assertThat(after).hasSameSizeAs(before);
      for (int i = 0; i < before.size(); i++) {
        String role = before.get(i).role();
        boolean wide = role.contains("feed-forward") || role.contains("expert");
        assertThat(after.get(i).parameters())
            .as(role)
            .isEqualTo(before.get(i).parameters() * (wide ? 3 : 1));
        assertThat(after.get(i).stored()).hasSameSizeAs(before.get(i).stored());
        for (int f = 0; f < before.get(i).stored().size(); f++) {
          ModelInfo.Stored was = before.get(i).stored().get(f);
          ModelInfo.Stored is = after.get(i).stored().get(f);
          assertThat(is.format()).as("format of " + role).isEqualTo(was.format());
          assertThat(is.codeBytes())
              .as("bytes of " + role)
              .isEqualTo(was.codeBytes() * (wide ? 3 : 1));
          assertThat(is.scaleBytes()).isBetween(was.scaleBytes(), 3 * was.scaleBytes());
        }
      }
      assertThat(large.eos()).isEqualTo(small.eos());
      assertThat(large.tokenizer().isPresent()).isEqualTo(small.tokenizer().isPresent());
    }
  }

  @Test
  void theTwinsConfigIsTheModelsButForTheWidths() throws IOException {
    Path model = Files.createDirectory(directory.resolve("model"));
    EditedModel edited = EditedModel.of(TinyModels.speck("mtp"));
    edited.writeTo(model);
    String config = Files.readString(model.resolve("config.json"));
    config =
        config.replaceFirst("\\{", "{ \"limit\":  -Infinity, \"x\": {\"intermediate_size\": 1},");
    Files.writeString(model.resolve("config.json"), config);
    Path twin = directory.resolve("twin");
    Ballast.write(model, 3, twin);
    String expected = config;
    for (String field : new String[] {"intermediate_size", "moe_intermediate_size"}) {
      int width = edited.config.get(field).intValue();
      expected =
          expected.replace("\"" + field + "\" : " + width, "\"" + field + "\" : " + 3 * width);
    }
    assertThat(expected).isNotEqualTo(config);
    assertThat(Files.readString(twin.resolve("config.json"))).isEqualTo(expected);
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
  void aSumThatVanishedFromBelowKeepsItsSign() {
    for (Path model : TinyModels.specks()) {
      Path twin = directory.resolve("twin-of-" + model.getFileName());
      Ballast.write(model, 2, twin);
      try (Checkpoint before = Checkpoint.open(model);
          Checkpoint after = Checkpoint.open(twin)) {
        for (TensorInfo info : after.infos()) {
          if (info.name().endsWith("down_proj.weight")) {
            long[] wide = info.shape();
            long[] narrow = {wide[0], wide[1] / 2};
            assertThat(vanishing(after.tensor(info.name(), wide), (int) narrow[1]))
                .as(info + " of " + twin)
                .isEqualTo(vanishing(before.tensor(info.name(), narrow), (int) narrow[1]));
          }
        }
      }
    }
  }

  /**
   * Bits of each output's chain of fma for activations so small that every product rounds to a zero
   * that has the sign of the last one; behind {@code real} columns they are +0.
   */
  private static int[] vanishing(Tensor down, int real) {
    int columns = (int) down.rowLength();
    int[] bits = new int[(int) down.rows()];
    for (int r = 0; r < bits.length; r++) {
      float sum = 0;
      for (int k = 0; k < columns; k++) {
        float x = k < real ? -Float.MIN_VALUE : 0.0f;
        sum = Math.fma(down.getFloat((long) r * columns + k), x, sum);
      }
      bits[r] = Float.floatToRawIntBits(sum);
    }
    return bits;
  }

  /** Codes of −0 times such a scale would be weights of +0. */
  @Test
  void scalesBelowZeroAreRefused() {
    EditedModel edited = EditedModel.of(TinyModels.quantised("glm-ct-fp8-channel"));
    String name = "model.layers.0.mlp.down_proj.weight_scale";
    edited.tensors.get(name).floats()[3] *= -1;
    assertThatThrownBy(() -> Ballast.write(edited.writeTo(directory), 2, directory.resolve("twin")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tensor " + name + " at [3, 0]: expected a scale above 0, found -");
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

  /** A cache of 260 MiB alone would ask for a twin of several GiB. */
  @Test
  void byDefaultATwinTakesTwoGibibytesAtMost() {
    TwinSize size = new TwinSize(100, 50L << 20, 1);
    assertThat(size.bytes(3)).isEqualTo(100 + (150L << 20));
    long most = Math.min(2L << 30, Heap.left() / 2);
    int factor = size.atMost(5_000);
    assertThat(size.bytes(factor)).isLessThanOrEqualTo(most);
    assertThat(size.bytes(factor + 2)).isGreaterThan(most - (100L << 20));
    assertThat(size.atMost(4)).as("what fits is what it was").isEqualTo(4);
    assertThat(new TwinSize(9L << 30, 1 << 20, 1).atMost(7)).as("never below 1").isEqualTo(1);
    assertThat(new TwinSize(100, 50L << 20, 2).atMost(5_000)).isLessThanOrEqualTo(factor);
    assertThat(size.bytes(Integer.MAX_VALUE)).isPositive();
    assertThat(new TwinSize(1, Long.MAX_VALUE / 2, 2).bytes(9)).isEqualTo(Long.MAX_VALUE);
  }

  /** The weights are already written when the config turns out to be impossible. */
  @Test
  void aTwinThatCouldNotBeWrittenWholeLeavesNothing() throws IOException {
    Path model = Files.createDirectory(directory.resolve("model"));
    Path speck = TinyModels.speck("mtp");
    Files.copy(speck.resolve("model.safetensors"), model.resolve("model.safetensors"));
    String config = Files.readString(speck.resolve("config.json"));
    String wide = config.replaceAll("(\"moe_intermediate_size\": )\\d+", "$12000000000");
    assertThat(wide).isNotEqualTo(config);
    Files.writeString(model.resolve("config.json"), wide);
    Path out = Files.createDirectory(directory.resolve("new")).resolve("a/twin");
    assertThatThrownBy(() -> Ballast.write(model, 2, out))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "factor: expected moe_intermediate_size to stay an int, found 2000000000 times 2");
    assertThat(directory.resolve("new")).isEmptyDirectory();
    Path empty = Files.createDirectory(directory.resolve("empty"));
    assertThatThrownBy(() -> Ballast.write(model, 2, empty)).hasMessageStartingWith("factor:");
    assertThat(empty).as("the user's own stays").isEmptyDirectory();
  }

  /** Bytes of weights that one token of a twin reads. */
  private static long bytes(ModelInfo info, int factor) {
    long bytes = 0;
    for (ModelInfo.WeightGroup part : info.groups()) {
      if (!part.role().startsWith("mtp")) {
        boolean wide = part.role().contains("feed-forward") || part.role().contains("expert");
        bytes += part.activeBytes() * (wide ? factor : 1);
      }
    }
    return bytes;
  }
}
