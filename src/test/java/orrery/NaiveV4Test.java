package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
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
