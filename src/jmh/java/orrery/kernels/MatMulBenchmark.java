package orrery.kernels;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * The packed product: format by shape by rows, one thread.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="MatMulBenchmark -p rows=1,96"}; from memory,
 * by all cores, each with a matrix of its own: {@code -Djmh="MatMulBenchmark -t max -p rows=1 -p
 * shape=8192x8192 -jvmArgsAppend -Xmx24g"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MatMulBenchmark {
  /** Formats by the names that {@code -p format} takes. */
  public enum Stored {
    F32(WeightFormat.F32),
    BF16(WeightFormat.BF16),
    FP8(new WeightFormat(Codes.E4M3, Scales.F32, 128, 128)),
    FP8_CHANNEL(new WeightFormat(Codes.E4M3, Scales.F32, 1, WeightFormat.WHOLE)),
    MXFP8(WeightFormat.MXFP8),
    E5M2(new WeightFormat(Codes.E5M2, Scales.F32, 128, 128)),
    MXFP4(WeightFormat.MXFP4),
    NVFP4(WeightFormat.NVFP4);

    private final WeightFormat format;

    Stored(WeightFormat format) {
      this.format = format;
    }
  }

  @Param({"F32", "BF16", "FP8", "FP8_CHANNEL", "MXFP8", "E5M2", "MXFP4", "NVFP4"})
  public Stored format;

  /** Outputs x inputs. 512x512 lies in the second-level cache, 8192x8192 in no cache. */
  @Param({"192x192", "512x512", "1024x1024", "2048x2048"})
  public String shape;

  @Param({"1", "4", "16", "96"})
  public int rows;

  private final Kernels kernels = new VectorKernels();
  private final Scratch scratch = new Scratch();
  private PackedMatrix w;
  private float[] x; // [rows][in]
  private float[] y; // [rows][16 · panels]

  @Setup
  public void setUp() {
    String[] sides = shape.split("x");
    w = matrix(format.format, Integer.parseInt(sides[0]), Integer.parseInt(sides[1]));
    x = Floats.random(2, rows * w.in);
    y = new float[rows * w.panels * PackedMatrix.PANEL];
  }

  private static PackedMatrix matrix(WeightFormat format, int out, int in) {
    Random random = new Random(1);
    if (format.scales() == Scales.NONE) {
      return PackedMatrix.pack(
          format,
          out,
          in,
          (row, into) -> {
            for (int k = 0; k < in; k++) {
              into[k] = (random.nextInt(256) - 128) / 128f; // 8 bits: bf16 holds them
            }
          });
    }
    float[] weights = new float[out * in]; // [out][in]
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    ScaleRule rule = format.scales() == Scales.E8M0 ? ScaleRule.CEIL : ScaleRule.EXACT;
    return PackedMatrix.pack(new BlockQuantizer(format, rule).quantize(weights, out, in));
  }

  @Benchmark
  public float[] matmul() {
    int stride = w.panels * PackedMatrix.PANEL;
    kernels.matmul(w, x, 0, w.in, rows, y, 0, stride, 0, w.panels, scratch);
    return y;
  }
}
