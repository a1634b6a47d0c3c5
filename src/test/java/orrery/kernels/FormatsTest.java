package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.numerics.Fp8E5M2;
import orrery.quantization.ActivationRounding;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * A product with coded weights is the float32 product over their exact values, to the bit: for
 * every format, any shape, rows, parts and threads, by the definition and in vectors.
 *
 * <p>The build runs this at 512, 256 and 128 bits.
 */
@Tag("kernels")
class FormatsTest {
  private static final int WHOLE = WeightFormat.WHOLE;
  private static final int[] OUTS = {1, 15, 16, 17, 33, 50};
  private static final int[] INS = {1, 3, 8, 16, 32, 33, 64, 72, 96, 129, 260};

  private final Kernels definition = new ScalarKernels();
  private final Kernels vectors = new VectorKernels();
  private final Scratch scratch = new Scratch();

  static List<WeightFormat> formats() {
    return List.of(
        new WeightFormat(Codes.E4M3, Scales.F32, 128, 128),
        new WeightFormat(Codes.E4M3, Scales.BF16, 32, 32),
        new WeightFormat(Codes.E4M3, Scales.E8M0, 128, 128),
        new WeightFormat(Codes.E4M3, Scales.E8M0, 32, 32),
        new WeightFormat(Codes.E4M3, Scales.F32, 5, 12), // a panel has several scales
        new WeightFormat(Codes.E4M3, Scales.E8M0, 5, 6), // an int of codes has two scales
        new WeightFormat(Codes.E4M3, Scales.F32, 1, WHOLE),
        new WeightFormat(Codes.E4M3, Scales.BF16, WHOLE, WHOLE),
        WeightFormat.MXFP8,
        new WeightFormat(Codes.E5M2, Scales.F32, 128, 128),
        new WeightFormat(Codes.E5M2, Scales.E8M0, 1, 32),
        WeightFormat.MXFP4,
        new WeightFormat(Codes.E2M1, Scales.F32, 3, 20),
        WeightFormat.NVFP4);
  }

  private static float value(Codes codes, int code) {
    return switch (codes) {
      case E4M3 -> Fp8E4M3.decode(code);
      case E5M2 -> Fp8E5M2.decode(code);
      case E2M1 -> Fp4E2M1.decode(code);
      default -> throw new AssertionError(codes);
    };
  }

  /** Any finite codes; scales of every size that keeps the weights finite. */
  private static ArrayMatrix random(WeightFormat format, int out, int in, boolean anyScale) {
    Random random = new Random(31L * out + in);
    int cols = format.scaleCols(in);
    float[] grid = new float[format.scaleRows(out) * cols]; // [scaleRows][scaleCols]
    for (int i = 0; i < grid.length; i++) {
      int exponent = anyScale ? random.nextInt(255) - 127 : random.nextInt(14) - 7;
      float power = (float) Math.scalb(1.0, exponent); // 2^-127 is subnormal
      float mantissa = 1 + random.nextInt(1 << 20) * 0x1p-20f;
      grid[i] =
          switch (format.scales()) {
            case F32 -> power * mantissa;
            case BF16 -> orrery.numerics.Bf16.decode(orrery.numerics.Bf16.encode(power));
            case E8M0 -> power;
            case E4M3 -> Fp8E4M3.decode(1 + random.nextInt(126));
            case NONE -> throw new AssertionError(format);
          };
    }
    float tensorScale = format.scales() == Scales.E4M3 ? 0.0123f : 1;
    byte[] codes = new byte[out * in]; // [out][in]
    for (int i = 0; i < codes.length; i++) {
      float scale = grid[i / in / format.blockRows() * cols + i % in / format.blockCols()];
      float weight;
      do {
        codes[i] = (byte) random.nextInt(1 << format.codes().bits());
        weight = value(format.codes(), codes[i]) * scale;
      } while (!Float.isFinite(weight));
    }
    var input = new ActivationRounding(128, true);
    return new ArrayMatrix(format, out, in, codes, grid, tensorScale, input);
  }

  /** The weights by way of double, which holds c · s · t exactly, rounded once. */
  private static PackedMatrix exact(ArrayMatrix m) {
    WeightFormat format = m.format();
    int cols = format.scaleCols(m.in());
    return PackedMatrix.pack(
        WeightFormat.F32,
        m.out(),
        m.in(),
        (row, into) -> {
          for (int k = 0; k < into.length; k++) {
            double code = value(format.codes(), m.codes()[row * m.in() + k]);
            float scale = m.grid()[row / format.blockRows() * cols + k / format.blockCols()];
            into[k] = (float) (code * scale * m.tensorScale());
          }
        });
  }

  private float[] product(Kernels k, PackedMatrix w, float[] x, int rows) {
    float[] y = new float[rows * w.panels * 16]; // [rows][panels*16]
    Arrays.fill(y, 777f);
    k.matmul(w, x, 0, w.in, rows, y, 0, w.panels * 16, 0, w.panels, scratch);
    return y;
  }

  @ParameterizedTest
  @MethodSource("formats")
  void everyWeightIsItsCodeTimesItsScaleRoundedOnce(WeightFormat format) {
    for (boolean anyScale : new boolean[] {false, true}) {
      for (int out : OUTS) {
        for (int in : INS) {
          ArrayMatrix m = random(format, out, in, anyScale);
          CodePanels w = (CodePanels) PackedMatrix.pack(m);
          PackedMatrix exact = exact(m);
          float[] row = new float[in + 1];
          float[] expected = new float[in + 1];
          for (int o = 0; o < out; o++) {
            w.row(o, row, 1);
            exact.row(o, expected, 1);
            KernelContract.assertSameBits(row, expected, w + " row " + o);
          }
          for (int panel = 0; panel < w.panels; panel++) {
            for (int k = 0; k < in; k = w.partEnd(k)) {
              int inputs = w.partEnd(k) - k;
              float[] part = new float[inputs * 16]; // [inputs][16]
              float[] inVectors = new float[inputs * 16];
              exact.decode(panel, k, k + inputs, part, 0);
              w.decodeInVectors(panel, k, k + inputs, inVectors, 0, scratch);
              KernelContract.assertSameBits(inVectors, part, w + " panel " + panel + " k " + k);
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aProductIsTheFloat32ProductOverTheDecodedWeights(WeightFormat format) {
    for (boolean anyScale : new boolean[] {false, true}) {
      for (int out : OUTS) {
        for (int in : INS) {
          ArrayMatrix m = random(format, out, in, anyScale);
          PackedMatrix w = PackedMatrix.pack(m);
          PackedMatrix exact = exact(m);
          for (int rows : new int[] {1, 2, 3, 5, 7, 14}) {
            float[] x = KernelContract.random(6, rows * in); // [rows][in]
            float[] expected = product(definition, exact, x, rows);
            String what = w + " with " + rows + " rows";
            KernelContract.assertSameBits(product(definition, w, x, rows), expected, what);
            KernelContract.assertSameBits(product(vectors, w, x, rows), expected, what);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void partsOfPanelsByAnyNumberOfThreadsGiveTheSameBitsAndNothingElseIsWritten(
      WeightFormat format) {
    ArrayMatrix m = random(format, 200, 160, false);
    PackedMatrix w = PackedMatrix.pack(m);
    int stride = w.panels * 16;
    for (int rows : new int[] {1, 2, 6}) {
      float[] x = KernelContract.random(9, rows * w.in);
      float[] expected = product(definition, exact(m), x, rows);
      for (int cut = 0; cut <= w.panels; cut++) {
        float[] y = new float[rows * stride];
        Arrays.fill(y, 777f);
        vectors.matmul(w, x, 0, w.in, rows, y, 0, stride, 0, cut, scratch);
        for (int i = 0; i < y.length; i++) {
          if (i % stride >= cut * 16) {
            assertThat(y[i]).isEqualTo(777f);
          }
        }
        vectors.matmul(w, x, 0, w.in, rows, y, 0, stride, cut, w.panels, scratch);
        KernelContract.assertSameBits(y, expected, rows + " rows cut at panel " + cut);
      }
      for (int threads = 1; threads <= 3; threads++) {
        Scratch[] own = {new Scratch(), new Scratch(), new Scratch()};
        float[] y = new float[expected.length];
        int n = rows;
        try (Team team = new Team(threads)) {
          team.run(
              (share, shares) -> {
                int from = w.panels * share / shares;
                int to = w.panels * (share + 1) / shares;
                vectors.matmul(w, x, 0, w.in, n, y, 0, stride, from, to, own[share]);
              });
        }
        KernelContract.assertSameBits(y, expected, threads + " threads");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void warmingUpChangesNoBitAndAWarmProductAllocatesNothing(WeightFormat format) {
    int[] rows = {1, 1, 2, 3, 5, 8};
    ArrayMatrix m = random(format, 100, 160, false);
    PackedMatrix w = PackedMatrix.pack(m);
    float[] x = KernelContract.random(1, 8 * w.in);
    float[] y = new float[8 * w.panels * 16];
    for (Kernels kernels : List.of(definition, vectors)) {
      IntConsumer call =
          i ->
              kernels.matmul(w, x, 0, w.in, rows[i % 6], y, 0, w.panels * 16, 0, w.panels, scratch);
      for (int i = 0; i < 2_000; i++) {
        call.accept(i);
      }
      assertThat(KernelContract.allocatedBy(call))
          .as("bytes allocated by %s with %s", kernels.name(), w)
          .isZero();
      for (int n : rows) {
        KernelContract.assertSameBits(
            product(kernels, w, x, n), product(definition, exact(m), x, n), w + " warm");
      }
    }
  }

  @Test
  void weightsThatAreNoNumbersAreRefusedWithTheirPlace() {
    WeightFormat fp8 = new WeightFormat(Codes.E4M3, Scales.F32, 1, WHOLE);
    byte[] codes = new byte[40 * 33]; // [40][33] zeros
    codes[17 * 33 + 32] = (byte) 0xFF;
    float[] ones = new float[40];
    Arrays.fill(ones, 1);
    assertThatThrownBy(() -> pack(fp8, 40, 33, codes, ones))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weight [17][32] is NaN");
    float[] large = ones.clone();
    large[39] = 0x1p120f;
    codes[17 * 33 + 32] = 0;
    codes[39 * 33] = (byte) 0xFE; // -448
    assertThatThrownBy(() -> pack(fp8, 40, 33, codes, large))
        .hasMessage("weight [39][0] is -Infinity");
    float[] none = ones.clone();
    none[3] = Float.NaN;
    assertThatThrownBy(() -> pack(fp8, 40, 33, codes, none)).hasMessage("weight [3][0] is NaN");
  }

  private static PackedMatrix pack(
      WeightFormat format, int out, int in, byte[] codes, float[] grid) {
    return PackedMatrix.pack(
        new ArrayMatrix(format, out, in, codes, grid, 1, ActivationRounding.NONE));
  }

  @Test
  void codesAndFloatsAreNotPackedForEachOther() {
    assertThatThrownBy(() -> PackedMatrix.of(WeightFormat.MXFP4, new float[1][32]))
        .hasMessageContaining("expected floats, found WeightFormat[codes=E2M1");
    assertThatThrownBy(() -> pack(WeightFormat.BF16, 1, 1, new byte[1], new float[1]))
        .hasMessageContaining("expected codes, found WeightFormat[codes=BF16");
  }

  @ParameterizedTest
  @MethodSource("formats")
  void inMemoryAMatrixTakesLittleMoreThanInItsFile(WeightFormat format) {
    PackedMatrix w = PackedMatrix.pack(random(format, 256, 960, false));
    double ratio = (double) w.bytes() / format.bytes(256, 960);
    // Each output has its own scales here; that costs most where a file has few.
    assertThat(ratio).isBetween(0.999, format.blockCols() >= 32 ? 1.13 : 1.9);
    assertThat(PackedMatrix.shape(format, 256, 960)).hasToString(w.toString());
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aMatrixTellsHowItsInputIsRounded(WeightFormat format) {
    assertThat(PackedMatrix.pack(random(format, 2, 32, false)).input())
        .isEqualTo(new ActivationRounding(128, true));
    assertThat(PackedMatrix.of(WeightFormat.F32, new float[2][2]).input())
        .isEqualTo(ActivationRounding.NONE);
  }

  @Test
  void aShapeHasNoWeights() {
    PackedMatrix shape = PackedMatrix.shape(WeightFormat.NVFP4, 3, 32);
    assertThatThrownBy(() -> shape.get(0, 0))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("nvfp4[3,32] is a shape: it has no weights");
  }
}
