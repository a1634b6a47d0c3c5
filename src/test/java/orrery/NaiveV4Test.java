package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.checkpoint.SafetensorsFile;

/**
 * The oracle itself is compared with others' numbers: logits and streams of Hugging Face
 * transformers and of DeepSeek's own code, and an MTP layer and a chain of drafts of the latter.
 */
class NaiveV4Test {
  private static final Path TOY = Path.of("src/test/resources/deepseek-v4-toy");
  private static final float TOLERANCE = 1e-4f;

  private final NaiveV4 naive = new NaiveV4(TOY);

  private interface Golds {
    void compare(SafetensorsFile gold, int[] ids);
  }

  private static void with(Golds golds) {
    try (SafetensorsFile gold = SafetensorsFile.open(TOY.resolve("gold.safetensors"))) {
      golds.compare(gold, TinyModels.ints(gold, "ids"));
    }
  }

  private static void assertClose(float[][] actual, SafetensorsFile gold, String name) {
    float[] expected = gold.tensor(name).floats();
    float worst = 0;
    int i = 0;
    for (float[] row : actual) {
      for (float value : row) {
        float difference = Math.abs(value - expected[i++]);
        worst = Math.max(worst, Float.isNaN(difference) ? Float.POSITIVE_INFINITY : difference);
      }
    }
    System.out.printf("NaiveV4, %s: largest difference %.2e%n", name, worst);
    assertThat(i).as(name).isEqualTo(expected.length);
    assertThat(worst).as(name).isLessThan(TOLERANCE);
  }

  static List<Path> specks() {
    return TinyModels.v4Specks();
  }

  @ParameterizedTest
  @MethodSource("specks")
  void everySpeckIsThatOfTransformersAndOfAnIndependentMtpLayer(Path speck) {
    NaiveV4 oracle = new NaiveV4(speck);
    try (SafetensorsFile gold = TinyModels.golden(speck)) {
      int[] ids = TinyModels.ids(speck);
      assertClose(oracle.logits(ids), gold, "logits");
      float[][][] streams = oracle.streams(ids);
      for (int l = 0; l < streams.length; l++) {
        assertClose(streams[l], gold, "streams." + l);
      }
      if (gold.has("mtp.logits")) {
        float[][] states = Arrays.copyOf(oracle.states(ids), ids.length - 1);
        int[] next = Arrays.copyOfRange(ids, 1, ids.length);
        assertClose(oracle.mtpStates(states, next), gold, "mtp.streams");
        assertClose(oracle.mtpLogits(ids), gold, "mtp.logits");
      }
    }
  }

  @Test
  void logitsAreThoseOfTransformersAndOfDeepSeek() {
    with(
        (gold, ids) -> {
          float[][] logits = naive.logits(ids);
          assertClose(logits, gold, "logits_hf");
          assertClose(logits, gold, "logits_deepseek");
        });
  }

  @Test
  void streamsAfterEveryLayerAreThoseOfTransformers() {
    with(
        (gold, ids) -> {
          float[][][] streams = naive.streams(ids);
          for (int l = 0; l < streams.length; l++) {
            assertClose(streams[l], gold, "streams." + l);
          }
        });
  }

  @Test
  void theMtpLayerIsThatOfDeepSeek() {
    with(
        (gold, ids) -> {
          float[][] mtp = naive.mtpStates(naive.states(ids), TinyModels.ints(gold, "mtp.tokens"));
          assertClose(mtp, gold, "mtp.streams");
          assertClose(naive.mtpHead(mtp), gold, "mtp.logits");
        });
  }

  @Test
  void aChainOfFourDraftsIsThatOfDeepSeek() {
    with(
        (gold, ids) -> {
          int[] drafts = TinyModels.ints(gold, "mtp.drafts");
          float[][] states = naive.states(ids);
          int[] next = TinyModels.ints(gold, "mtp.tokens");
          float[][] chainStates = new float[drafts.length][];
          float[][] chainLogits = new float[drafts.length][];
          for (int d = 0; d < drafts.length; d++) {
            float[][] mtp = naive.mtpStates(states, next);
            chainStates[d] = mtp[mtp.length - 1];
            chainLogits[d] = naive.mtpHead(new float[][] {chainStates[d]})[0];
            assertThat(Naive.largest(chainLogits[d], 1)).containsExactly(drafts[d]);
            states = Arrays.copyOf(states, states.length + 1);
            states[states.length - 1] = chainStates[d];
            next = Arrays.copyOf(next, next.length + 1);
            next[next.length - 1] = drafts[d];
          }
          assertClose(chainStates, gold, "mtp.chain_streams");
          assertClose(chainLogits, gold, "mtp.chain_logits");
        });
  }
}
