package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.kernels.KernelSet;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.lab.TensorDump;
import orrery.model.Model;
import orrery.model.Steps;

/**
 * A random model of 4 layers of all kinds, against numbers that others computed: transformers 5.17
 * (logits, hidden states), and DeepSeek's own inference code (logits, the MTP layer and a chain of
 * its drafts).
 */
class GoldenToyTest {
  private static final Path TOY = Path.of("src/test/resources/deepseek-v4-toy");
  private static final float TOLERANCE = 1e-4f;

  @TempDir Path directory;

  private static SafetensorsFile golden() {
    return SafetensorsFile.open(TOY.resolve("gold.safetensors"));
  }

  private static float worst(float[] ours, float[] expected, int n) {
    float worst = 0;
    for (int i = 0; i < n; i++) {
      float difference = Math.abs(ours[i] - expected[i]);
      worst = Float.isNaN(difference) ? Float.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    return worst;
  }

  /** Compares as many rows as the dump has. */
  private static void assertClose(
      SafetensorsFile ours, String name, SafetensorsFile golden, String as) {
    long[] shape = ours.tensor(name).shape();
    long[] expected = golden.tensor(as).shape();
    assertThat(shape[0]).as(name).isBetween(expected[0] - 1, expected[0]);
    assertThat(Arrays.copyOfRange(shape, 1, shape.length))
        .as(name)
        .isEqualTo(Arrays.copyOfRange(expected, 1, expected.length));
    float[] numbers = ours.tensor(name).floats();
    float worst = worst(numbers, golden.tensor(as).floats(), numbers.length);
    System.out.printf("%s: largest difference from %s %.2e%n", name, as, worst);
    assertThat(worst).as(name).isLessThan(TOLERANCE);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 32})
  void everyNumberOfADumpIsThatOfTheOthers(int chunk) {
    Path file = directory.resolve("dump.safetensors");
    EngineOptions options =
        EngineOptions.defaults()
            .withCompute(c -> c.withKernels(chunk == 1 ? KernelSet.SCALAR : KernelSet.VECTOR))
            .withBatching(b -> b.withChunkedPrefillSize(chunk));
    try (SafetensorsFile golden = golden();
        LoadedModel loaded = LoadedModel.load(TOY)) {
      TensorDump.write(loaded, options, TinyModels.ints(golden, "ids"), 4, file);
      try (SafetensorsFile ours = SafetensorsFile.open(file)) {
        assertClose(ours, "logits", golden, "logits_hf");
        assertClose(ours, "logits", golden, "logits_deepseek");
        assertClose(ours, "hidden", golden, "final_normed_hidden_hf");
        for (int l = 0; l <= loaded.model().layers(); l++) {
          assertClose(ours, "streams." + l, golden, "streams." + l);
        }
        assertClose(ours, "mtp.logits", golden, "mtp.logits");
        assertClose(ours, "mtp.streams", golden, "mtp.streams");
        assertClose(ours, "mtp.chain_logits", golden, "mtp.chain_logits");
        assertClose(ours, "mtp.chain_streams", golden, "mtp.chain_streams");
        assertThat(ours.tensor("mtp.drafts").longs())
            .isEqualTo(golden.tensor("mtp.drafts").longs());
      }
    }
  }

  @Test
  void anyChunksPagesAndThreadsGiveTheBitsOfOneStep() {
    try (SafetensorsFile golden = golden();
        LoadedModel loaded = LoadedModel.load(TOY)) {
      Model model = loaded.model();
      int[] ids = TinyModels.ints(golden, "ids");
      Steps.Outcome whole = new Steps(model, new ScalarKernels(), 1, false, 256).run(ids, 75);
      for (int pageTokens : new int[] {8, 24, 64}) {
        for (int[] pieces : List.of(new int[] {1}, new int[] {7}, new int[] {3, 13, 2})) {
          for (int threads : new int[] {1, 2}) {
            Steps steps = new Steps(model, new VectorKernels(), threads, true, pageTokens);
            Steps.Outcome o = steps.run(ids, pieces);
            String cell = steps + " in pieces of " + Arrays.toString(pieces);
            assertThat(o.logits()).as(cell).isDeepEqualTo(whole.logits());
            assertThat(o.states()).as(cell).isDeepEqualTo(whole.states());
            assertThat(o.mtpLogits()).as(cell).isDeepEqualTo(whole.mtpLogits());
          }
        }
      }
    }
  }
}
