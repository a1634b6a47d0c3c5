package orrery.kernels;

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
 * The work on one row between two products: norm, rotation, activation, softmax. The {@code scalar}
 * kernels are the definition, compiled; C2 vectorises some of them by itself. 32 is a head.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="RowBenchmark -p n=512"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class RowBenchmark {
  @Param({"vector", "scalar"})
  public String kernel;

  @Param({"32", "192", "512", "2048"})
  public int n;

  private final Scratch scratch = new Scratch();
  private Kernels kernels;
  private float[] x; // [n]
  private float[] weight; // [n]
  private float[] y; // [n]
  private float[] cos; // [n / 2], of angle 0, so that x stays the same however often it is rotated
  private float[] sin; // [n / 2]

  @Setup
  public void setUp() {
    kernels = kernel.equals("vector") ? new VectorKernels() : new ScalarKernels();
    x = Floats.random(1, n);
    weight = Floats.random(2, n);
    y = new float[n];
    cos = new float[n / 2];
    sin = new float[n / 2];
    java.util.Arrays.fill(cos, 1f);
  }

  @Benchmark
  public float[] rmsNorm() {
    kernels.rmsNorm(x, 0, weight, 0, 1e-5f, n, y, 0, scratch);
    return y;
  }

  @Benchmark
  public float[] swiglu() {
    kernels.swiglu(x, 0, weight, 0, y, 0, n);
    return y;
  }

  @Benchmark
  public float[] sigmoid() {
    kernels.sigmoid(x, 0, y, 0, n);
    return y;
  }

  @Benchmark
  public float[] softmax() {
    kernels.softmax(x, 0, y, 0, n, scratch);
    return y;
  }

  @Benchmark
  public float[] ropeHalves() {
    kernels.rope(x, 0, cos, sin, 0, n / 2, false);
    return x;
  }

  @Benchmark
  public float[] ropeInterleaved() {
    kernels.rope(x, 0, cos, sin, 0, n / 2, true);
    return x;
  }
}
