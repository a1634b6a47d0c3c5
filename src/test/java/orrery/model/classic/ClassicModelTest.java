package orrery.model.classic;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.Naive;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.LoadedModel;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.model.Model;
import orrery.model.Steps;

/**
 * Compares the classic model with transformers (golden tensors), and with {@code Naive} under every
 * switch.
 */
class ClassicModelTest {
  /** Largest difference from Hugging Face float32 that a logit may have. */
  private static final float TOLERANCE = 2e-4f;

  static List<Path> models() {
    return TinyModels.classic();
  }

  static List<Path> specks() {
    return TinyModels.specks();
  }

  private static int[] ids(SafetensorsFile golden) {
    return Arrays.stream(golden.tensor("ids").longs()).mapToInt(i -> (int) i).toArray();
  }

  private static void assertClose(float[][] actual, float[] expected, String what) {
    float worst = 0;
    for (int t = 0; t < actual.length; t++) {
      for (int i = 0; i < actual[t].length; i++) {
        float difference = Math.abs(actual[t][i] - expected[t * actual[t].length + i]);
        worst = Math.max(worst, Float.isNaN(difference) ? Float.POSITIVE_INFINITY : difference);
      }
    }
    if (!what.contains("chain")) {
      System.out.printf("%s: largest difference from transformers %.2e%n", what, worst);
    }
    assertThat(worst).as(what).isLessThan(TOLERANCE);
  }

  private static Steps steps(Model model) {
    return new Steps(model, new VectorKernels(), 1, true, 16);
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAndHiddenStatesAreThoseOfTransformers(Path dir) {
    Model model = LoadedModel.load(dir).model();
    try (SafetensorsFile golden = TinyModels.golden(dir)) {
      Steps.Outcome ours = steps(model).run(ids(golden), 1_000);
      assertClose(ours.logits(), golden.tensor("logits").floats(), dir + " logits");
      assertClose(ours.states(), golden.tensor("hidden").floats(), dir + " hidden");
      for (int t = 0; t < ours.logits().length; t++) {
        float[] expected =
            Arrays.copyOfRange(
                golden.tensor("logits").floats(), t * model.vocab(), (t + 1) * model.vocab());
        Kernels k = new ScalarKernels();
        assertThat(k.argmax(ours.logits()[t], 0, model.vocab()))
            .as("top-1 at %d", t)
            .isEqualTo(k.argmax(expected, 0, model.vocab()));
      }
      assertThat(model.hasMtp()).isEqualTo(golden.has("mtp.logits"));
      if (model.hasMtp()) {
        assertClose(ours.mtpLogits(), golden.tensor("mtp.logits").floats(), dir + " MTP logits");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aChainOfThreeMtpDraftsIsThatOfTheIndependentImplementation(Path dir) {
    Model model = LoadedModel.load(dir).model();
    try (SafetensorsFile golden = TinyModels.golden(dir)) {
      assertThat(golden.has("mtp.chain.prefix")).isEqualTo(model.hasMtp());
      if (!model.hasMtp()) {
        return;
      }
      int[] ids = ids(golden);
      long[] prefixes = golden.tensor("mtp.chain.prefix").longs();
      long[] drafts = golden.tensor("mtp.chain.drafts").longs();
      float[] logits = golden.tensor("mtp.chain.logits").floats();
      Kernels k = new ScalarKernels();
      for (int c = 0; c < prefixes.length; c++) {
        float[][] ours = steps(model).chain(Arrays.copyOf(ids, (int) prefixes[c]), 3);
        int size = 3 * model.vocab();
        assertClose(
            ours, Arrays.copyOfRange(logits, c * size, (c + 1) * size), dir + " chain " + c);
        for (int d = 0; d < 3; d++) {
          assertThat(k.argmax(ours[d], 0, model.vocab())).isEqualTo((int) drafts[3 * c + d]);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("specks")
  void everySwitchGivesTheBitsOfTheNaiveForward(Path dir) {
    Model model = LoadedModel.load(dir).model();
    int[] ids;
    try (SafetensorsFile golden = TinyModels.golden(dir)) {
      ids = Arrays.copyOf(ids(golden), 40);
    }
    Naive naive = new Naive(dir);
    float[][] logits = naive.logits(ids);
    float[][] mtp = model.hasMtp() ? naive.mtpLogits(ids) : new float[ids.length - 1][];
    int cells = 0;
    for (Kernels kernels : new Kernels[] {new ScalarKernels(), new VectorKernels()}) {
      for (int threads : new int[] {1, 2}) {
        for (boolean graph : new boolean[] {false, true}) {
          for (int pageTokens : new int[] {1, 4, 16, 48}) {
            for (int[] pieces : new int[][] {{40}, {1}, {7}, {16, 1}, {3, 13, 2}}) {
              Steps steps = new Steps(model, kernels, threads, graph, pageTokens);
              Steps.Outcome o = steps.run(ids, pieces);
              String cell = dir + " " + kernels.name() + " " + steps + Arrays.toString(pieces);
              assertBits(o.logits(), logits, cell);
              assertBits(o.mtpLogits(), mtp, cell + " MTP");
              cells++;
            }
          }
        }
      }
    }
    System.out.println(dir + ": " + cells + " combinations of switches, all bits equal");
  }

  private static void assertBits(float[][] actual, float[][] expected, String what) {
    for (int t = 0; t < expected.length; t++) {
      if (!Arrays.equals(actual[t], expected[t])) {
        assertThat(actual[t]).as("%s row %d", what, t).isEqualTo(expected[t]);
      }
    }
  }
}
