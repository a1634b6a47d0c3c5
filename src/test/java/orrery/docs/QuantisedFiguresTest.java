package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.checkpoint.Checkpoint;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/** The worked example of the chapter on quantised weights, from the shipped model. */
class QuantisedFiguresTest {
  private static final WeightFormat CHANNEL =
      new WeightFormat(Codes.E4M3, Scales.F32, 1, WeightFormat.WHOLE);
  private static final int IN = 96;
  private static final List<String> SHOWN =
      List.of("-0.06226", "0.03296", "0.11182", "0.00117", "0.18945", "-0.23438");

  private static float[] weights; // [192][96]
  private static int[] columns; // [6] of the weights that the page shows, in row 0
  private static List<String> page; // its lines

  @BeforeAll
  static void read() throws IOException {
    page = Files.readAllLines(Path.of("docs/quantised-weights.md"));
    try (Checkpoint checkpoint = Checkpoint.open(Path.of("tiny-models/storyteller-moe"))) {
      weights =
          checkpoint.tensorOfAnyShape("model.layers.1.mlp.experts.0.down_proj.weight").floats();
    }
    columns = SHOWN.stream().mapToInt(QuantisedFiguresTest::column).toArray();
  }

  /** The column in the first block of 16 of a weight as the page shows it. */
  private static int column(String shown) {
    for (int j = 0; j < 16; j++) {
      if (five(weights[j]).equals(shown)) {
        return j;
      }
    }
    throw new AssertionError("no weight " + shown + " in the first block of row 0");
  }

  private static String five(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.5f", value);
  }

  private static String code(double value) {
    return value == 0 ? "0" : Double.toString(value).replaceFirst("\\.0$", "");
  }

  private static float amax(float[] all) {
    float most = 0;
    for (float w : all) {
      most = Math.max(most, Math.abs(w));
    }
    return most;
  }

  private static ArrayMatrix stored(WeightFormat format, ScaleRule rule) {
    float[] row = Arrays.copyOf(weights, IN); // [96]
    return new BlockQuantizer(format, rule).quantize(row, 1, IN, amax(weights));
  }

  /** A line of the page's table; {@code values} has one for each column of the matrix. */
  private static String line(String begin, double[] values, DoubleFunction<String> shown) {
    StringBuilder line = new StringBuilder("| " + begin + " |");
    for (int j : columns) {
      line.append(' ').append(shown.apply(values[j])).append(" |");
    }
    return line.toString();
  }

  private static void assertOnPage(String begin, ArrayMatrix matrix) {
    double[] codes = new double[IN];
    double[] back = new double[IN];
    float[] row = new float[IN]; // [96]
    matrix.decode(0, row);
    for (int j = 0; j < IN; j++) {
      codes[j] = matrix.format().codes().decode(matrix.codes()[j]);
      back[j] = row[j];
    }
    int at = page.indexOf(line(begin, codes, QuantisedFiguresTest::code));
    assertThat(at).as("a line " + line(begin, codes, QuantisedFiguresTest::code)).isPositive();
    assertThat(page.get(at + 1)).isEqualTo(line("read back |", back, QuantisedFiguresTest::five));
  }

  @Test
  void theTableOfSixWeightsIsWhatTheFormatsMakeOfThem() {
    assertThat(page).contains("| | scale | " + String.join(" | ", SHOWN) + " |");
    ArrayMatrix channel = stored(CHANNEL, ScaleRule.EXACT);
    String perChannel = "fp8-channel | 0.234375 / 448 = %.6f";
    assertOnPage(String.format(Locale.ROOT, perChannel, channel.grid()[0]), channel);
    ArrayMatrix mxfp4 = stored(WeightFormat.MXFP4, ScaleRule.FLOOR);
    assertOnPage("mxfp4 | 2^-3 / 4 = " + mxfp4.grid()[0], mxfp4);
    ArrayMatrix nvfp4 = stored(WeightFormat.NVFP4, ScaleRule.EXACT);
    float scale = nvfp4.grid()[0];
    float tensor = nvfp4.tensorScale();
    assertOnPage(
        String.format(Locale.ROOT, "nvfp4 | %.0f · %.9f = %.6f", scale, tensor, scale * tensor),
        nvfp4);
  }

  @Test
  void theLargestMagnitudesAreThoseThatThePageNames() {
    float[] row = Arrays.copyOf(weights, IN); // [96]
    assertThat(amax(row)).isEqualTo(0.234375f);
    assertThat(amax(Arrays.copyOf(row, 32))).isEqualTo(0.234375f);
    assertThat(amax(Arrays.copyOf(row, 16))).isEqualTo(0.234375f);
    assertThat(amax(weights)).isEqualTo(0.28710938f);
    assertThat(String.join(" ", page)).contains("0.28710938 / (6 · 448) = 0.000106812");
  }
}
