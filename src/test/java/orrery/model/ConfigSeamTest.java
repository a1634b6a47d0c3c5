package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.TensorInfo;
import orrery.engine.Architectures;
import orrery.engine.EngineOptions;
import orrery.engine.HeapPlan;
import orrery.engine.LoadedModel;
import orrery.kv.KvDtype;
import orrery.model.ModelInfo.WeightGroup;
import orrery.speculation.SpeculationOptions.Algorithm;

/** A config alone tells what the loaded model turns out to be. */
class ConfigSeamTest {
  /** The tensors of an MTP layer's own embedding and head, which no config mentions. */
  private static final Set<String> OWN = Set.of("mtp embedding", "mtp head");

  @TempDir Path directory;

  static List<Path> models() {
    return TinyModels.all();
  }

  private static ModelConfig config(Path model) {
    return Architectures.read(model.resolve("config.json"));
  }

  private static List<WeightGroup> groups(ModelSpec spec) {
    return spec.info().groups().stream().filter(g -> !OWN.contains(g.role())).toList();
  }

  @ParameterizedTest
  @MethodSource("models")
  void theParameterTableIsThatOfTheLoadedCheckpoint(Path directory) {
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      assertThat(config(directory).info().groups()).isEqualTo(groups(loaded.model()));
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void theLoadedParametersAreTheElementsOfTheFiles(Path directory) {
    try (LoadedModel loaded = LoadedModel.load(directory);
        Checkpoint checkpoint = Checkpoint.open(directory)) {
      long elements = checkpoint.infos().stream().mapToLong(TensorInfo::elements).sum();
      assertThat(loaded.model().info().parameters()).isEqualTo(elements);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void limitsCacheAndMemoryAreThoseOfTheLoadedModel(Path directory) {
    ModelConfig config = config(directory);
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      Model model = loaded.model();
      List<Function<ModelSpec, Object>> facts =
          List.of(
              ModelSpec::architecture,
              ModelSpec::vocab,
              ModelSpec::hidden,
              ModelSpec::layers,
              ModelSpec::maxPositions,
              ModelSpec::hasMtp,
              m -> m.kvLayout(m.hasMtp(), KvDtype.F32).streams(),
              m -> m.activations(m.hasMtp(), 300),
              m -> HeapPlan.of(m, EngineOptions.defaults()),
              m -> HeapPlan.of(m, drafting(m)));
      for (Function<ModelSpec, Object> fact : facts) {
        assertThat(fact.apply(config)).isEqualTo(fact.apply(model));
      }
    }
  }

  private static EngineOptions drafting(ModelSpec m) {
    Algorithm algorithm = m.hasMtp() ? Algorithm.MTP : Algorithm.NGRAM;
    return EngineOptions.defaults()
        .withSpeculation(s -> s.withAlgorithm(algorithm).withNumSteps(3));
  }

  @Test
  void aModelOfAnySizeIsToldWithoutItsWeights() {
    ModelConfig glm = Architectures.read(Path.of("docs/examples/glm-4.5.json"));
    ModelInfo info = glm.info();
    long hidden = 5120;
    long vocab = 151_552;
    long attention = hidden * 128 * (96 + 8 + 8 + 96);
    long expert = 3 * hidden * 1536;
    long layer = attention + hidden * 160 + 161 * expert;
    long norms = 2 * hidden + 2 * 128 + 128 * (96 + 8 + 8);
    long main = 2 * vocab * hidden + hidden + 92 * (attention + norms);
    main += 3 * 3 * hidden * 12_288 + 89 * (hidden * 160 + 160 + 161 * expert);
    long mtp = 2 * hidden * hidden + 3 * hidden + layer + norms + 160;
    assertThat(info.parameters()).isEqualTo(main + mtp);
    long idle = 89 * 152 * expert; // of experts that a token does not choose
    assertThat(info.activeParameters()).isEqualTo(main - idle - (vocab - 1) * hidden);
    assertThat(main).isBetween(350_000_000_000L, 356_000_000_000L); // published: 355 B, 32 B active
    assertThat(info.activeParameters()).isBetween(31_000_000_000L, 34_000_000_000L);
    assertThat(glm.kvLayout(false, KvDtype.F32).bytesPerPage(1)).isEqualTo(92 * 2 * 8 * 128 * 4);
    assertThat(HeapPlan.of(glm, EngineOptions.defaults()).bytes()).isPositive();
  }

  @Test
  void anMtpLayersOwnEmbeddingAndHeadAreCountedWhenTheCheckpointHasThem() {
    Set<String> roles = new HashSet<>();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      loaded.model().info().groups().forEach(g -> roles.add(g.role()));
    }
    assertThat(roles).containsAll(OWN);
  }

  @Test
  void whatNoMachineCouldHoldIsRefusedByNameAndAtOnce() throws IOException {
    EditedModel edited = EditedModel.of(TinyModels.speck("mtp"));
    String[] fields = {
      "vocab_size",
      "hidden_size",
      "num_hidden_layers",
      "n_routed_experts",
      "intermediate_size",
      "moe_intermediate_size"
    };
    for (String field : fields) {
      var config = edited.config.deepCopy().put(field, Integer.MAX_VALUE);
      Path file = Files.writeString(directory.resolve("config.json"), config.toString());
      assertThatThrownBy(() -> Architectures.read(file).info())
          .as(field)
          .isInstanceOfAny(CheckpointException.class, IllegalArgumentException.class)
          .hasMessageMatching(".*(config.json: " + field + "|tensor model).*expected .*found .*");
    }
  }

  @Test
  void aConfigWithoutMtpHasNoMtpRows() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config(TinyModels.speck("bias")).kvLayout(true, KvDtype.F32))
        .withMessageContaining("no MTP layer");
  }
}
