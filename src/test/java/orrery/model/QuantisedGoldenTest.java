package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.LoadedModel;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;

/**
 * Quantised checkpoints in every published form, against transformers in float32 over weights that
 * an independent program in Python dequantised.
 */
class QuantisedGoldenTest {
  /** Largest difference from transformers that a logit may have. */
  private static final float TOLERANCE = 2e-4f;

  /** A multiple of all compression ratios of the models. */
  private static final int PAGE = 24;

  static List<Path> models() {
    return TinyModels.quantised();
  }

  private static Steps steps(Model model) {
    return new Steps(model, new VectorKernels(), 1, true, PAGE);
  }

  private static void assertClose(float[][] ours, float[] expected, String what) {
    float worst = 0;
    int at = 0;
    for (float[] row : ours) {
      for (float value : row) {
        float difference = Math.abs(value - expected[at++]);
        worst = Math.max(worst, Float.isNaN(difference) ? Float.POSITIVE_INFINITY : difference);
      }
    }
    assertThat(at).as("numbers of %s", what).isEqualTo(expected.length);
    System.out.printf("%s: largest difference from transformers %.2e%n", what, worst);
    assertThat(worst).as(what).isLessThan(TOLERANCE);
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAreThoseOfTransformersOverDequantisedWeights(Path dir) {
    try (SafetensorsFile golden = TinyModels.golden(dir);
        LoadedModel loaded = LoadedModel.load(dir)) {
      Steps.Outcome ours = steps(loaded.model()).run(TinyModels.ints(golden, "ids"), 1_000);
      assertClose(ours.logits(), golden.tensor("logits").floats(), dir + " logits");
      assertThat(loaded.model().hasMtp()).isEqualTo(golden.has("mtp.logits"));
      if (loaded.model().hasMtp()) {
        float[] expected = golden.tensor("mtp.logits").floats();
        assertClose(ours.mtpLogits(), expected, dir + " MTP logits");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aChainOfThreeMtpDraftsIsThatOfTheIndependentImplementation(Path dir) {
    try (SafetensorsFile golden = TinyModels.golden(dir);
        LoadedModel loaded = LoadedModel.load(dir)) {
      Model model = loaded.model();
      assertThat(golden.has("mtp.chain.prefix")).isEqualTo(model.hasMtp());
      if (!model.hasMtp()) {
        return;
      }
      int[] ids = TinyModels.ints(golden, "ids");
      int[] prefixes = TinyModels.ints(golden, "mtp.chain.prefix");
      int[] drafts = TinyModels.ints(golden, "mtp.chain.drafts");
      float[] logits = golden.tensor("mtp.chain.logits").floats();
      int size = 3 * model.vocab();
      for (int c = 0; c < prefixes.length; c++) {
        float[][] ours = steps(model).chain(Arrays.copyOf(ids, prefixes[c]), 3);
        float[] expected = Arrays.copyOfRange(logits, c * size, (c + 1) * size);
        assertClose(ours, expected, dir + " chain " + c);
        for (int d = 0; d < 3; d++) {
          assertThat(new ScalarKernels().argmax(ours[d], 0, model.vocab()))
              .isEqualTo(drafts[3 * c + d]);
        }
      }
    }
  }
}
