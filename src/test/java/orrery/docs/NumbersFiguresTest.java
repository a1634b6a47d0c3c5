package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.checkpoint.Checkpoint;
import orrery.numerics.E8m0;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/** The worked example of the chapter on numbers with few bits, from the shipped model. */
class NumbersFiguresTest {
  private static final int COLUMN = 12; // the first of the four weights

  private static float[] block; // [32]
  private static float matrixAmax;

  @BeforeAll
  static void read() {
    try (Checkpoint checkpoint = Checkpoint.open(Path.of("tiny-models/storyteller-moe"))) {
      float[] weights =
          checkpoint
              .tensorOfAnyShape("model.layers.1.mlp.experts.0.down_proj.weight")
              .floats(); // [192][96]
      block = Arrays.copyOf(weights, 32);
      for (float w : weights) {
        matrixAmax = Math.max(matrixAmax, Math.abs(w));
      }
    }
  }

  private static ArrayMatrix stored(WeightFormat format, ScaleRule rule) {
    return new BlockQuantizer(format, rule).quantize(block, 1, 32, matrixAmax);
  }

  private static float scale(ArrayMatrix matrix) {
    return matrix.grid()[0] * matrix.tensorScale();
  }

  private static String shown(String format, double value) {
    return String.format(Locale.ROOT, format, value).replace('-', '−');
  }

  @Test
  void theTableOfFourWeightsIsWhatTheFormatsMakeOfThem() throws IOException {
    ArrayMatrix mxfp4 = stored(WeightFormat.MXFP4, ScaleRule.CEIL);
    ArrayMatrix mxfp8 = stored(WeightFormat.MXFP8, ScaleRule.CEIL);
    ArrayMatrix nvfp4 = stored(WeightFormat.NVFP4, ScaleRule.EXACT);
    assertThat(scale(mxfp4)).isEqualTo(0x1p-4f);
    assertThat(E8m0.ceil(scale(mxfp4))).isEqualTo(123);
    assertThat(scale(mxfp8)).isEqualTo(0x1p-10f);
    assertThat(shown("%.4f", scale(nvfp4))).isEqualTo("0.0376");
    List<String> page = Files.readAllLines(Path.of("docs/numbers-with-few-bits.md"));
    float[] row = new float[32]; // [32]
    for (int j = COLUMN; j < COLUMN + 4; j++) {
      int code = mxfp4.codes()[j];
      StringBuilder line = new StringBuilder("| " + shown("%.5f", block[j]));
      line.append(" | ").append(shown("%.2f", block[j] / 0x1p-4));
      line.append(" | ").append(shown("%s", Fp4E2M1.decode(code)).replace(".0", ""));
      line.append(" | ").append(Integer.toHexString(code).toUpperCase(Locale.ROOT));
      for (ArrayMatrix matrix : List.of(mxfp4, mxfp8, nvfp4)) {
        matrix.decode(0, row);
        line.append(" | ").append(shown("%.5f", row[j]));
      }
      assertThat(page).contains(line + " |");
    }
    String bytes =
        List.of(COLUMN, COLUMN + 2).stream()
            .map(j -> mxfp4.codes()[j + 1] << 4 | mxfp4.codes()[j])
            .map(packed -> String.format(Locale.ROOT, "%02X", packed))
            .collect(Collectors.joining(" "));
    assertThat(bytes).isEqualTo("B5 1E");
    assertThat(String.join(" ", page)).contains("`" + bytes + "`");
  }

  @Test
  void theBlocksLargestMagnitudeIsAmongThemAndTheMatrixIsBetween029AndItsNegative() {
    float amax = 0;
    for (float w : block) {
      amax = Math.max(amax, Math.abs(w));
    }
    assertThat(amax).isEqualTo(0.234375f).isEqualTo(-block[COLUMN + 2]);
    assertThat(shown("%.2f", matrixAmax)).isEqualTo("0.29");
  }

  @Test
  void theCodesThatThePageSpellsOutHaveThoseValues() {
    assertThat(Fp8E4M3.decode(0x74)).isEqualTo(192);
    assertThat(Fp8E4M3.decode(0x03)).isEqualTo(3 * 0x1p-9f);
    assertThat(Fp8E4M3.decode(0x7F)).isNaN();
    assertThat(Fp4E2M1.decode(0xB)).isEqualTo(-1.5f);
    assertThat(E8m0.decode(123)).isEqualTo(0x1p-4f);
  }
}
