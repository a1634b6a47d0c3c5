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
 * Selecting among experts (16 and 128) and tokens (2,000).
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="TopKBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class TopKBenchmark {
  @Param({"16", "128", "2000"})
  public int n;

  @Param({"2", "8"})
  public int k;

  private final Kernels kernels = new VectorKernels();
  private final int[] indices = new int[8]; // [k]
  private float[] x; // [n]

  @Setup
  public void setUp() {
    x = Floats.random(1, n);
  }

  @Benchmark
  public int[] topK() {
    kernels.topK(x, 0, n, k, indices, 0);
    return indices;
  }

  @Benchmark
  public int argmax() {
    return kernels.argmax(x, 0, n);
  }
}
