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

/**
 * The packed product: format by shape by rows, one thread.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="MatMulBenchmark -p rows=1,96"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MatMulBenchmark {
  @Param({"F32", "BF16"})
  public PackedMatrix.Format format;

  /** Outputs x inputs. */
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
    int in = Integer.parseInt(sides[1]);
    Random random = new Random(1);
    w =
        PackedMatrix.pack(
            format,
            Integer.parseInt(sides[0]),
            in,
            (row, into) -> {
              for (int k = 0; k < in; k++) {
                into[k] = (random.nextInt(256) - 128) / 128f; // 8 bits: any format holds them
              }
            });
    x = Floats.random(2, rows * in);
    y = new float[rows * w.panels * PackedMatrix.PANEL];
  }

  @Benchmark
  public float[] matmul() {
    int stride = w.panels * PackedMatrix.PANEL;
    kernels.matmul(w, x, 0, w.in, rows, y, 0, stride, 0, w.panels, scratch);
    return y;
  }
}
