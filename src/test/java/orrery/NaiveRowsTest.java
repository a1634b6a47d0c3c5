package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.kv.KvDtype;

/** The oracles' rounding by examples that can be checked by hand. */
class NaiveRowsTest {
  private static float[] stored(KvDtype dtype, int block, int tail, float... row) {
    return NaiveRows.stored(dtype, new float[][] {row}, block, tail)[0];
  }

  @Test
  void bf16KeepsEightBitsAndRoundsTiesToEven() {
    float[] row = {1, 1 + 0x1p-8f, 1 + 0x1p-7f, 1 + 3 * 0x1p-8f, -0f, 0x1p-133f, 0x1p-134f};
    assertThat(stored(KvDtype.BF16, 64, 0, row))
        .containsExactly(1, 1, 1 + 0x1p-7f, 1 + 0x1p-6f, -0f, 0x1p-133f, 0);
    assertThat(stored(KvDtype.BF16, 64, 0, Float.MAX_VALUE, Float.NaN))
        .containsExactly(Float.POSITIVE_INFINITY, Float.NaN);
  }

  @Test
  void aBlockOfFp8HasTheLeastPowerOfTwoThatTakesItsLargestNumber() {
    assertThat(stored(KvDtype.FP8, 4, 0, 448, 1.0625f, 1.1875f, -0x1p-10f))
        .containsExactly(448, 1, 1.25f, -0f); // scale 1: 4 bits, and ties go to even
    assertThat(stored(KvDtype.FP8, 4, 0, 449, 1.0625f, 2.125f, -0x1p-9f))
        .containsExactly(448, 1, 2, -0f); // scale 2: 448 = 224 x 2
    assertThat(stored(KvDtype.FP8, 4, 0, 0, -0f, 1e-10f, 0x1p-31f))
        .containsExactly(0, -0f, 0, 0x1p-31f); // scale 2^-22, by the least amax of 1e-4
  }

  @Test
  void theExampleOfTheChapter() {
    assertThat(stored(KvDtype.FP8, 4, 0, 3.1f, 0.2f, -0.034f, 0.0007f))
        .containsExactly(3, 0.203125f, -0.03515625f, 0.00067138671875f);
  }

  @Test
  void blocksDoNotTouchEachOtherNorTheTail() {
    float odd = 1 + 0x1p-7f; // bf16 has it, E4M3 does not
    assertThat(stored(KvDtype.FP8, 2, 2, 448 * 4, 1.0625f, 448, 1.0625f, odd, 1 + 0x1p-9f))
        .containsExactly(448 * 4, 1, 448, 1, odd, 1);
    assertThat(stored(KvDtype.FP8, 2, 1, Float.NaN, 3, 448, Float.POSITIVE_INFINITY, odd))
        .containsExactly(Float.NaN, Float.NaN, Float.NaN, Float.NaN, odd);
    assertThat(stored(KvDtype.F32, 2, 1, odd + 0x1p-23f, 3)).containsExactly(odd + 0x1p-23f, 3);
  }

  static List<Path> specks() {
    List<Path> specks = new ArrayList<>(TinyModels.specks());
    specks.addAll(TinyModels.v4Specks());
    return specks;
  }

  /** If rows of few bits gave the same logits, the tests over dtypes would show nothing. */
  @ParameterizedTest
  @MethodSource("specks")
  void fewerBitsOfCachedRowsMakeAnotherModelThatIsFurtherAway(Path speck) {
    int[] ids = TinyModels.ids(speck);
    float[][] logits = Oracle.of(speck).logits(ids);
    double bf16 = distance(Oracle.of(speck, KvDtype.BF16).logits(ids), logits);
    double fp8 = distance(Oracle.of(speck, KvDtype.FP8).logits(ids), logits);
    System.out.printf("%s: RMS of logits off by %.1e with bf16, %.1e with FP8%n", speck, bf16, fp8);
    assertThat(bf16).isPositive();
    assertThat(fp8).isGreaterThan(bf16);
  }

  private static double distance(float[][] x, float[][] y) {
    double sum = 0;
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        sum += Math.pow(x[t][i] - y[t][i], 2);
      }
    }
    return Math.sqrt(sum / (x.length * x[0].length));
  }
}
