package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.Oracle;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.kv.KvDtype;

/**
 * However the rows are cut into steps, a quantised model gives the bits of an oracle that decodes
 * the weights and rounds the activations on its own.
 */
class QuantisedStepsTest {
  private static final int TOKENS = 30;

  static List<Path> models() {
    return TinyModels.quantised();
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyKindOfActivationsHasTheBitsOfItsOracleAlsoWithCachedRowsOfFewBits(Path dir) {
    int[] ids = Arrays.copyOf(TinyModels.ids(dir), TOKENS);
    Map<ActivationDtype, float[][]> answers = new HashMap<>();
    try (LoadedModel loaded = LoadedModel.load(dir)) {
      for (ActivationDtype activations : ActivationDtype.values()) {
        Model model = Fp8Activations.of(loaded.model(), activations);
        boolean fp8 = activations == ActivationDtype.FP8;
        for (KvDtype rows : List.of(KvDtype.F32, fp8 ? KvDtype.FP8 : KvDtype.BF16)) {
          Oracle naive = Oracle.of(dir, rows, activations);
          float[][] logits = naive.logits(ids);
          answers.putIfAbsent(activations, logits);
          float[][] mtp = model.hasMtp() ? naive.mtpLogits(ids) : new float[TOKENS - 1][];
          requireBits(model, rows, ids, logits, mtp, dir + ", activations " + activations);
        }
      }
    }
    assertThat(Arrays.deepToString(answers.get(ActivationDtype.FP8)))
        .as("FP8 activations make another model")
        .isNotEqualTo(Arrays.deepToString(answers.get(ActivationDtype.F32)));
  }

  private static void requireBits(
      Model model, KvDtype rows, int[] ids, float[][] logits, float[][] mtp, String what) {
    int unit = model.kvLayout(model.hasMtp(), rows).unit();
    for (Kernels kernels : new Kernels[] {new ScalarKernels(), new VectorKernels()}) {
      for (int[] pieces : new int[][] {{TOKENS}, {7, 1}}) {
        boolean graph = pieces.length == 1;
        Steps steps = new Steps(model, kernels, pieces.length, graph, unit * pieces[0], rows);
        Steps.Outcome o = steps.run(ids, pieces);
        String cell = what + ", " + kernels.name() + ", " + rows + Arrays.toString(pieces);
        assertThat(o.logits()).as(cell).isDeepEqualTo(logits);
        assertThat(o.mtpLogits()).as(cell + ", MTP").isDeepEqualTo(mtp);
      }
    }
  }
}
