package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

class StoredWeightsTest {
  private static final StoredWeights MXFP4 =
      new StoredWeights("MXFP4", new BlockQuantizer(WeightFormat.MXFP4, ScaleRule.CEIL));

  private static StoredWeights.Matrix matrix(float... beginning) {
    float[] weights = Arrays.copyOf(beginning, 64); // [1][64]
    return new StoredWeights.Matrix("w", 1, 64, weights);
  }

  @Test
  void theLossIsTheRootMeanSquareErrorOverTheRootMeanSquareWeight() {
    // 6 and 1 are values of FP4; 2.4 becomes 2 and 3.4 becomes 3.
    StoredWeights.Loss loss = MXFP4.loss(List.of(matrix(6, 1, 2.4f), matrix(6, 3.4f)));
    double squares = 36 + 1 + 2.4 * 2.4 + 36 + 3.4 * 3.4;
    double expected = Math.sqrt((0.4 * 0.4 + 0.4 * 0.4) / squares);
    assertThat(Math.abs(loss.plain() - expected)).isLessThan(1e-6);
  }

  @Test
  void anOutlierSpoilsItsBlockAndDoesNotCountItself() {
    // Column 32, in the middle of the row, becomes 600: all else in its block becomes 0.
    float[] weights = new float[64];
    weights[0] = 6;
    weights[33] = 1;
    StoredWeights.Loss loss = MXFP4.loss(List.of(matrix(weights)));
    assertThat(loss.plain()).isZero();
    assertThat(Math.abs(loss.outlier() - Math.sqrt(1 / 37.0))).isLessThan(1e-6);
  }

  @Test
  void bitsOfAWeightCountTheScales() {
    assertThat(MXFP4.bits(List.of(matrix(1), matrix(2)))).isEqualTo(4.25);
  }

  @Test
  void allPublishedFormsAreAmongThem() {
    assertThat(StoredWeights.all())
        .extracting(way -> way.quantizer().format())
        .contains(WeightFormat.MXFP8, WeightFormat.MXFP4, WeightFormat.NVFP4);
    assertThat(StoredWeights.all()).extracting(StoredWeights::name).doesNotHaveDuplicates();
  }
}
