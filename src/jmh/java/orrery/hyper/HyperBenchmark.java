package orrery.hyper;

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
import orrery.graph.Buffer;
import orrery.graph.MatMul;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.quantization.WeightFormat;

/**
 * What one hyper-connection costs: the product with fn, the weights (of which the Sinkhorn alone),
 * the way in and the way back. 4 streams, 20 iterations, as in DeepSeek-V4.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="HyperBenchmark -p rows=1"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class HyperBenchmark {
  private static final int STREAMS = 4;

  @Param({"vector", "scalar"})
  public String kernel;

  @Param({"1", "16"})
  public int rows;

  @Param({"256"})
  public int hidden;

  private Step step;
  private float[] logits; // [streams][streams]
  private float[] matrix; // [streams][streams]
  private Buffer x;
  private MatMul product;
  private MixWeights weights;
  private Collapse collapse;
  private Expand expand;

  @Setup
  public void setUp() {
    Kernels kernels = kernel.equals("vector") ? new VectorKernels() : new ScalarKernels();
    step = new Step(rows, 1, 1, kernels);
    for (int r = 0; r < rows; r++) {
      step.add(0, r, 0, false);
    }
    int logitsPerRow = (2 + STREAMS) * STREAMS;
    Random random = new Random(1);
    PackedMatrix fn =
        PackedMatrix.pack(
            WeightFormat.F32,
            logitsPerRow,
            STREAMS * hidden,
            (row, into) -> fill(into, random, 0.05f));
    float[] base = new float[logitsPerRow];
    fill(base, random, 1f);
    HyperConnection site =
        new HyperConnection(fn, base, new float[] {1, 1, 1}, STREAMS, hidden, 20, 1e-6f, 1e-6f);
    x = buffer("x", STREAMS * hidden);
    fill(x.data, random, 1f);
    HyperConnection.Space s = new HyperConnection.Space(Step::rows, rows, STREAMS);
    Buffer y = buffer("y", hidden);
    product = new MatMul(x, fn, s.dots);
    weights = new MixWeights(site, x, s.dots, s.pre, s.post, s.comb);
    collapse = new Collapse(x, s.pre, y);
    expand = new Expand(y, s.post, s.comb, x);
    product.run(step, 0, 1);
    weights.run(step, 0, 1);
    // The way back is repeated for ever: weights that halve the streams would end in subnormals.
    java.util.Arrays.fill(y.data, 0.5f);
    logits = new float[STREAMS * STREAMS];
    matrix = new float[STREAMS * STREAMS];
    fill(logits, random, 1f);
  }

  private Buffer buffer(String name, int cols) {
    return new Buffer(name, Step::rows, rows, cols);
  }

  private static void fill(float[] x, Random random, float deviation) {
    for (int i = 0; i < x.length; i++) {
      x[i] = deviation * (float) random.nextGaussian();
    }
  }

  @Benchmark
  public float[] sinkhorn() {
    System.arraycopy(logits, 0, matrix, 0, matrix.length);
    Sinkhorn.balance(matrix, 0, STREAMS, 20, 1e-6f);
    return matrix;
  }

  @Benchmark
  public void fn() {
    product.run(step, 0, 1);
  }

  @Benchmark
  public void weights() {
    weights.run(step, 0, 1);
  }

  @Benchmark
  public void collapse() {
    collapse.run(step, 0, 1);
  }

  @Benchmark
  public void expand() {
    expand.run(step, 0, 1);
  }
}
