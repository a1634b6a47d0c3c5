package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.EditedModel;
import orrery.NaiveV4;
import orrery.RandomV4;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.kernels.VectorKernels;
import orrery.kv.KvDtype;
import orrery.model.Model;
import orrery.model.Steps;

/** Special values of DeepSeek-V4's formulas, for which the result is known otherwise. */
class KnownValuesTest {
  private static final int TOKENS = RandomCase.LENGTH;
  private static final int VOCAB = RandomCase.VOCAB;

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource
  void aSinkOfMinus1e30IsAPlainSoftmax(RandomV4 kind) {
    EditedModel edited = kind.model();
    edited.tensors.forEach(
        (name, values) -> {
          if (name.endsWith("attn_sink")) {
            Arrays.fill(values.floats(), -1e30f);
          }
        });
    edited.writeTo(directory);
    int[] ids = new Random(8).ints(TOKENS, 0, VOCAB).toArray();
    float[][] plain = new NaiveV4(directory, false, KvDtype.F32, ActivationDtype.F32).logits(ids);
    Model model = LoadedModel.load(directory).model();
    Steps steps = new Steps(model, new VectorKernels(), 1, true, kind.unit);
    assertThat(steps.run(ids, TOKENS).logits()).isDeepEqualTo(plain);
    assertThat(
            new NaiveV4(kind.directory(), false, KvDtype.F32, ActivationDtype.F32).logits(ids)[9])
        .as("its own sinks matter")
        .isNotEqualTo(new NaiveV4(kind.directory()).logits(ids)[9]);
  }

  /** The mix of the streams keeps sums: with one stream it is a factor of 1. */
  @ParameterizedTest
  @EnumSource
  void streamsToWhichNothingIsAddedStayTheEmbedding(RandomV4 kind) {
    EditedModel edited = kind.model();
    edited.tensors.forEach(
        (name, values) -> {
          if (name.contains("wo_b") || name.contains("w2")) {
            Arrays.fill(values.floats(), 0);
          }
        });
    edited.writeTo(directory);
    int[] ids = new Random(9).ints(20, 0, VOCAB).toArray();
    float[][] embedding = new NaiveV4(directory).streams(ids)[0];
    Model model = LoadedModel.load(directory).model();
    float[][] states =
        new Steps(model, new VectorKernels(), 1, true, kind.unit).run(ids, 20).states();
    for (int t = 0; t < ids.length; t++) {
      for (int i = 0; i < states[t].length; i++) {
        assertThat(states[t][i]).isCloseTo(embedding[t][i], offset(2e-4f));
      }
    }
  }

  @Test
  void aTokenBeyondTheWindowMattersThroughCompressedEntriesOnly() {
    for (RandomV4 kind : RandomV4.values()) {
      RandomCase c = RandomCase.of(kind);
      int[] other = c.ids().clone();
      other[0] = (other[0] + 1) % VOCAB;
      float[] changed = c.naive().logits(other)[TOKENS - 1];
      boolean same = Arrays.equals(changed, c.logits()[TOKENS - 1]);
      assertThat(same).as(kind.name()).isEqualTo(kind == RandomV4.WINDOWS);
    }
  }
}
