package orrery.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.numerics.Bf16;
import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;

class BlockQuantizerTest {
  private static final int WHOLE = WeightFormat.WHOLE;
  private static final WeightFormat DEEPSEEK = new WeightFormat(Codes.E4M3, Scales.F32, 128, 128);
  private static final WeightFormat CHANNEL = new WeightFormat(Codes.E4M3, Scales.BF16, 1, WHOLE);
  private static final WeightFormat TENSOR = new WeightFormat(Codes.E5M2, Scales.F32, WHOLE, WHOLE);
  private static final WeightFormat TILES = new WeightFormat(Codes.E4M3, Scales.E8M0, 32, 32);

  /** Every format with every rule that it takes. */
  private static List<BlockQuantizer> all() {
    List<BlockQuantizer> all = new ArrayList<>();
    for (WeightFormat format :
        List.of(
            DEEPSEEK,
            CHANNEL,
            TENSOR,
            TILES,
            WeightFormat.MXFP8,
            WeightFormat.MXFP4,
            WeightFormat.NVFP4)) {
      for (ScaleRule rule : ScaleRule.values()) {
        boolean power = rule != ScaleRule.EXACT;
        if (format.scales() == Scales.E8M0 ? power : format.scales() != Scales.E4M3 || !power) {
          all.add(new BlockQuantizer(format, rule));
        }
      }
    }
    return all;
  }

  /** A random matrix [out][in]; some weights are much larger than others. */
  private static float[] matrix(Random random, int out, int in) {
    float[] w = new float[out * in]; // [out][in]
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) (0.02 * random.nextGaussian() * Math.exp(random.nextGaussian()));
    }
    return w;
  }

  private static float[] decoded(CodedMatrix matrix) {
    float[] all = new float[matrix.out() * matrix.in()]; // [out][in]
    float[] row = new float[matrix.in()]; // [in]
    for (int i = 0; i < matrix.out(); i++) {
      matrix.decode(i, row);
      System.arraycopy(row, 0, all, i * row.length, row.length);
    }
    return all;
  }

  private static float[] scales(CodedMatrix matrix, int row) {
    float[] scales = new float[matrix.format().scaleCols(matrix.in())]; // [scaleCols]
    matrix.scales(row, scales);
    return scales;
  }

  @Test
  void everyWeightHasTheNearestCodeOfItsScaleInEveryFormat() {
    long seed = 4L;
    System.out.println("BlockQuantizerTest seed " + seed);
    Random random = new Random(seed);
    for (BlockQuantizer quantizer : all()) {
      WeightFormat format = quantizer.format();
      int out = 130;
      int in = format.codes() == Codes.E2M1 ? 160 : 141; // ragged where the format may be
      float[] w = matrix(random, out, in);
      ArrayMatrix matrix = quantizer.quantize(w, out, in);
      byte[] codes = new byte[in]; // [in]
      for (int i = 0; i < out; i += 43) {
        matrix.codes(i, codes);
        float[] scales = scales(matrix, i);
        for (int j = 0; j < in; j++) {
          float scale = scales[j / format.blockCols()] * matrix.tensorScale();
          double chosen =
              Math.abs(w[i * in + j] - (double) format.codes().decode(codes[j]) * scale);
          for (int code = 0; code < 1 << format.codes().bits(); code++) {
            double other = Math.abs(w[i * in + j] - (double) format.codes().decode(code) * scale);
            if (other < chosen * (1 - 1e-6)) { // the division rounds, so near ties may differ
              assertThat(other).as("%s [%d][%d]", quantizer, i, j).isGreaterThan(chosen);
            }
          }
        }
      }
    }
  }

  @Test
  void theScaleOfABlockFollowsFromItsLargestMagnitude() {
    float[] w = {0.1f, -5, 3, 1}; // amax 5, of all formats below
    assertThat(scales(quantize(DEEPSEEK, ScaleRule.EXACT, w), 0)).containsExactly(5 / 448f);
    assertThat(scales(quantize(DEEPSEEK, ScaleRule.CEIL, w), 0))
        .containsExactly(0x1p-6f); // 1.43·2^-7
    assertThat(scales(quantize(DEEPSEEK, ScaleRule.NEAREST, w), 0)).containsExactly(0x1p-7f);
    assertThat(scales(quantize(CHANNEL, ScaleRule.EXACT, w), 0))
        .containsExactly(Bf16.decode(Bf16.encode(5 / 448f)));
    // 5 / 6 lies below 1; the largest power of two in 5 is 4, as in FP4's largest value, 6.
    assertThat(scales(quantize(WeightFormat.MXFP4, ScaleRule.CEIL, w), 0)).containsExactly(1);
    assertThat(scales(quantize(WeightFormat.MXFP4, ScaleRule.FLOOR, w), 0)).containsExactly(1);
    float[] seven = {7, 0, 0, 0};
    assertThat(scales(quantize(WeightFormat.MXFP4, ScaleRule.CEIL, seven), 0)).containsExactly(2);
    assertThat(scales(quantize(WeightFormat.MXFP4, ScaleRule.FLOOR, seven), 0)).containsExactly(1);
    assertThat(scales(quantize(WeightFormat.MXFP4, ScaleRule.NEAREST, seven), 0))
        .containsExactly(1);
  }

  private static ArrayMatrix quantize(WeightFormat format, ScaleRule rule, float... w) {
    return new BlockQuantizer(format, rule).quantize(w, 1, w.length);
  }

  @Test
  void ceilNeverSaturatesAndFloorDoes() {
    float[] w = {7, 6, 1, -7};
    assertThat(decoded(quantize(WeightFormat.MXFP4, ScaleRule.CEIL, w)))
        .containsExactly(8, 6, 1, -8); // 3.5 and 0.5 steps of 2: ties go to even codes
    assertThat(decoded(quantize(WeightFormat.MXFP4, ScaleRule.FLOOR, w)))
        .containsExactly(6, 6, 1, -6);
  }

  @Test
  void nvfp4HasTwoLevelsOfScales() {
    float[] w = new float[32]; // [1][32]
    w[0] = 10.5f; // the largest of the tensor
    w[1] = 1;
    w[16] = 0.03f; // the largest of the second block
    w[17] = -0.005f;
    ArrayMatrix matrix = quantize(WeightFormat.NVFP4, ScaleRule.EXACT, w);
    assertThat(BlockQuantizer.globalScale(10.5f)).isEqualTo(256); // 2688 / 10.5
    assertThat(matrix.tensorScale()).isEqualTo(0x1p-8f);
    assertThat(scales(matrix, 0)).containsExactly(448, 1.25f); // 0.03 / 6 · 256 = 1.28
    float[] y = decoded(matrix);
    assertThat(y[0]).isEqualTo(10.5f);
    assertThat(y[1]).isEqualTo(0.5f * 1.75f); // 1 is 0.57 · 1.75
    assertThat(y[16]).isEqualTo(6 * 1.25f / 256);
    assertThat(y[17]).isEqualTo(-1.25f / 256);
  }

  @Test
  void matricesThatShareATensorScaleAreRoundedByIt() {
    float[] w = new float[16]; // [1][16]
    w[3] = 1;
    BlockQuantizer nvfp4 = new BlockQuantizer(WeightFormat.NVFP4, ScaleRule.EXACT);
    ArrayMatrix matrix = nvfp4.quantize(w, 1, 16, 100);
    assertThat(matrix.tensorScale()).isEqualTo(1 / 26.88f);
    assertThat(scales(matrix, 0)).containsExactly(4.5f); // 26.88 / 6 = 4.48
  }

  @Test
  void aBlockOfZerosHasTheScaleOneAndKeepsItsSigns() {
    for (BlockQuantizer quantizer : all()) {
      float[] w = new float[2 * 64]; // [2][64]
      Arrays.fill(w, 64, 128, -0f);
      ArrayMatrix matrix = quantizer.quantize(w, 2, 64);
      for (int i = 0; i < 2; i++) {
        for (float scale : scales(matrix, i)) {
          assertThat(scale).as("%s", quantizer).isEqualTo(1);
        }
      }
      assertThat(matrix.tensorScale()).isEqualTo(1);
      assertThat(decoded(matrix)).as("%s", quantizer).containsExactly(w);
    }
  }

  @Test
  void oneOutlierCostsItsOwnBlockAlone() {
    for (BlockQuantizer quantizer : all()) {
      float[] w = new float[256 * 256]; // [256][256]
      Arrays.fill(w, 0.01f);
      w[7 * 256 + 9] = -30;
      float[] y = decoded(quantizer.quantize(w, 256, 256));
      WeightFormat format = quantizer.format();
      int far = w.length - 1;
      int near = 7 * 256 + 10;
      // The outlier survives, but for saturation (at most a quarter) and rounding (1/8).
      assertThat(y[7 * 256 + 9]).as("%s", quantizer).isBetween(-34f, -22f);
      // Alone among its like, a weight may saturate by a third (NEAREST) or round by a sixth (FP4).
      if (format.blockRows() < 256) {
        assertThat(y[far]).as("%s", quantizer).isBetween(0.0066f, 0.0134f);
      }
      if (format.codes() == Codes.E2M1) {
        assertThat(y[near]).as("%s", quantizer).isZero();
      }
    }
  }

  @Test
  void veryLargeAndVerySmallWeightsStayFinite() {
    for (BlockQuantizer quantizer : all()) {
      for (float size :
          new float[] {Math.nextDown(0x1p127f), 1e30f, 1e-30f, Float.MIN_NORMAL, 1e-42f}) {
        float[] w = new float[32]; // [1][32]
        Arrays.fill(w, size);
        for (float y : decoded(quantizer.quantize(w, 1, 32))) {
          assertThat(y).as("%s of %a", quantizer, size).isBetween(0f, Float.MAX_VALUE);
        }
      }
    }
  }

  @Test
  void quantisingTheDecodedWeightsGivesThemAgainWhereScalesArePowersOfTwo() {
    Random random = new Random(5);
    for (BlockQuantizer quantizer : all()) {
      if (quantizer.rule() == ScaleRule.CEIL) {
        float[] once = decoded(quantizer.quantize(matrix(random, 33, 64), 33, 64));
        assertThat(decoded(quantizer.quantize(once, 33, 64)))
            .as("%s", quantizer)
            .containsExactly(once);
      }
    }
  }

  @Test
  void storedScalesComeBackFromTheirCodes() {
    float[] w = matrix(new Random(6), 3, 64);
    byte[] stored = new byte[4]; // [scaleCols]
    ArrayMatrix mx = new BlockQuantizer(WeightFormat.MXFP4, ScaleRule.CEIL).quantize(w, 3, 64);
    mx.scaleCodes(2, stored);
    assertThat(E8m0.decode(stored[1])).isEqualTo(scales(mx, 2)[1]);
    ArrayMatrix nv = new BlockQuantizer(WeightFormat.NVFP4, ScaleRule.EXACT).quantize(w, 3, 64);
    nv.scaleCodes(2, stored);
    for (int j = 0; j < 4; j++) {
      assertThat(Fp8E4M3.decode(stored[j])).isEqualTo(scales(nv, 2)[j]);
    }
  }

  @Test
  void aWeightThatIsNoNumberIsRefusedByItsPlace() {
    for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, 0x1p127f}) {
      float[] w = new float[64]; // [2][32]
      w[32 + 5] = bad;
      assertThatThrownBy(
              () -> new BlockQuantizer(WeightFormat.MXFP4, ScaleRule.CEIL).quantize(w, 2, 32))
          .hasMessage("weight [1][5]: expected a magnitude below 2^127, found " + bad);
    }
  }

  @Test
  void aRuleThatAFormatCannotStoreIsRefused() {
    assertThatThrownBy(() -> new BlockQuantizer(WeightFormat.MXFP4, ScaleRule.EXACT))
        .hasMessageStartingWith("EXACT for WeightFormat[");
    assertThatThrownBy(() -> new BlockQuantizer(WeightFormat.NVFP4, ScaleRule.CEIL))
        .hasMessageStartingWith("CEIL for WeightFormat[");
    assertThatThrownBy(() -> new BlockQuantizer(WeightFormat.BF16, ScaleRule.EXACT))
        .hasMessageStartingWith("EXACT for WeightFormat[");
  }
}
