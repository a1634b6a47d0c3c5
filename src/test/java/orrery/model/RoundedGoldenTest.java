package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.kernels.VectorKernels;

/**
 * Quantised models with FP8 activations, against transformers with the inputs of its products
 * rounded by a program in Python ({@code tiny-models/training/golden_activations.py}).
 */
class RoundedGoldenTest {
  /** Largest difference from transformers that a logit may have. */
  private static final float TOLERANCE = 2e-4f;

  private static final String ROUNDED = "-a8.safetensors";

  /** A multiple of all compression ratios of the models. */
  private static final int PAGE = 24;

  static List<Path> goldens() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("tiny-models/golden"))) {
      return files.filter(f -> f.getFileName().toString().endsWith(ROUNDED)).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void logitsAreThoseOfTransformersWithRoundedInputs(Path file) {
    String name = file.getFileName().toString().replace(ROUNDED, "");
    try (SafetensorsFile golden = SafetensorsFile.open(file);
        LoadedModel loaded = LoadedModel.load(TinyModels.quantised(name))) {
      int[] ids = TinyModels.ints(golden, "ids");
      Model rounded = Fp8Activations.of(loaded.model(), ActivationDtype.FP8);
      Steps.Outcome ours = steps(rounded).run(ids, ids.length);
      float[] expected = golden.tensor("logits").floats();
      float worst = largest(ours.logits(), expected);
      float unrounded = largest(steps(loaded.model()).run(ids, ids.length).logits(), expected);
      System.out.printf("%s: %.2e from transformers; unrounded %.2e%n", name, worst, unrounded);
      assertThat(worst).as(name).isLessThan(TOLERANCE);
      assertThat(unrounded).as("%s without rounding", name).isGreaterThan(10 * TOLERANCE);
      assertThat(rounded.hasMtp()).isEqualTo(golden.has("mtp.logits"));
      if (rounded.hasMtp()) {
        assertThat(largest(ours.mtpLogits(), golden.tensor("mtp.logits").floats()))
            .as(name + ", MTP")
            .isLessThan(TOLERANCE);
      }
    }
  }

  private static Steps steps(Model model) {
    return new Steps(model, new VectorKernels(), 1, true, PAGE);
  }

  private static float largest(float[][] ours, float[] expected) {
    float worst = 0;
    int at = 0;
    for (float[] row : ours) {
      for (float value : row) {
        float difference = Math.abs(value - expected[at++]);
        worst = Math.max(worst, Float.isNaN(difference) ? Float.POSITIVE_INFINITY : difference);
      }
    }
    assertThat(at).isEqualTo(expected.length);
    return worst;
  }
}
