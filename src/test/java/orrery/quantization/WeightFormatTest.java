package orrery.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import orrery.numerics.E8m0;

class WeightFormatTest {
  private static final WeightFormat DEEPSEEK = new WeightFormat(Codes.E4M3, Scales.F32, 128, 128);

  @Test
  void aRaggedMatrixHasAScaleForEachCutOffBlock() {
    // DeepSeek-V3's kv_a_proj_with_mqa has 576 rows: 128 · 4 + 64.
    assertThat(DEEPSEEK.scaleRows(576)).isEqualTo(5);
    assertThat(DEEPSEEK.scaleCols(7168)).isEqualTo(56);
    assertThat(DEEPSEEK.scaleCols(129)).isEqualTo(2);
  }

  @Test
  void bytesAreThoseOfTheCodesAndOfTheScales() {
    assertThat(WeightFormat.F32.bytes(3, 5)).isEqualTo(60);
    assertThat(WeightFormat.BF16.bytes(3, 5)).isEqualTo(30);
    assertThat(DEEPSEEK.bytes(576, 7168)).isEqualTo(576L * 7168 + 5 * 56 * 4);
    assertThat(WeightFormat.MXFP8.bytes(2, 64)).isEqualTo(128 + 4);
    assertThat(WeightFormat.MXFP4.bytes(2, 64)).isEqualTo(64 + 4);
    assertThat(WeightFormat.NVFP4.bytes(2, 64)).isEqualTo(64 + 8 + 4); // one F32 for the tensor
    WeightFormat channel = new WeightFormat(Codes.E4M3, Scales.BF16, 1, WeightFormat.WHOLE);
    assertThat(channel.bytes(7, 64)).isEqualTo(7 * 64 + 7 * 2);
    // More than an int holds.
    assertThat(WeightFormat.BF16.bytes(100_000, 100_000)).isEqualTo(20_000_000_000L);
  }

  @Test
  void anElementHasTheScaleOfItsBlockAndTheTensorScaleIsAppliedLast() {
    WeightFormat tiles = new WeightFormat(Codes.E4M3, Scales.F32, 2, 2);
    byte[] codes = new byte[3 * 3]; // [3][3] all 1.0
    Arrays.fill(codes, (byte) 0x38);
    float[] grid = {1, 2, 3, 4}; // [2][2]
    ArrayMatrix matrix = new ArrayMatrix(tiles, 3, 3, codes, grid, 0.5f, ActivationRounding.NONE);
    float[] row = new float[3];
    matrix.decode(1, row);
    assertThat(row).containsExactly(0.5f, 0.5f, 1);
    matrix.decode(2, row);
    assertThat(row).containsExactly(1.5f, 1.5f, 2);
  }

  /** 132 columns are 128 and 4, and not twice 66, although 132 / 2 is whole. */
  @Test
  void onlyTheLastBlockOfARowIsCutOff() {
    byte[] codes = new byte[132]; // [1][132] all 1.0
    Arrays.fill(codes, (byte) 0x38);
    float[] grid = {1, 2}; // [1][2]
    float[] row = new float[132];
    new ArrayMatrix(DEEPSEEK, 1, 132, codes, grid, 1, ActivationRounding.NONE).decode(0, row);
    for (int j = 0; j < 132; j++) {
      assertThat(row[j]).as("column %d", j).isEqualTo(j < 128 ? 1 : 2);
    }
  }

  @Test
  void aScaleOrACodeThatIsNanMakesTheWeightNan() {
    byte[] codes = new byte[32]; // [1][32]
    codes[1] = 0x7F;
    ArrayMatrix matrix =
        new ArrayMatrix(
            WeightFormat.MXFP8, 1, 32, codes, new float[] {1}, 1, ActivationRounding.NONE);
    float[] row = new float[32];
    matrix.decode(0, row);
    assertThat(row[0]).isZero();
    assertThat(row[1]).isNaN();
    float[] nan = {E8m0.decode(E8m0.NAN)};
    new ArrayMatrix(WeightFormat.MXFP8, 1, 32, codes, nan, 1, ActivationRounding.NONE)
        .decode(0, row);
    assertThat(row[0]).isNaN();
  }

  @Test
  void formatsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> new WeightFormat(Codes.E4M3, Scales.F32, 0, 128))
        .hasMessage("block: expected at least 1 row and 1 column, found 0 x 128");
    assertThatThrownBy(() -> new WeightFormat(Codes.E2M1, Scales.NONE, 1, 32))
        .hasMessage("E2M1 with NONE scales");
    assertThatThrownBy(() -> new WeightFormat(Codes.BF16, Scales.F32, 1, 32))
        .hasMessage("BF16 with F32 scales");
    assertThatThrownBy(
            () ->
                new ArrayMatrix(
                    DEEPSEEK, 2, 2, new byte[3], new float[1], 1, ActivationRounding.NONE))
        .hasMessageStartingWith("matrix [2][2] with 3 codes and 1 scales in WeightFormat[");
  }
}
