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
 * Selecting among experts (16 and 128), compressed entries (1,024) and tokens (2,000). {@code topK}
 * gives the largest first, {@code select} gives the same ones in increasing order.
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
  @Param({"16", "128", "1024", "2000"})
  public int n;

  /** At most n. */
  @Param({"2", "8", "32", "512"})
  public int k;

  private final Kernels kernels = new VectorKernels();
  private final Scratch scratch = new Scratch();
  private int[] indices; // [k]
  private float[] x; // [n]

  @Setup
  public void setUp() {
    x = Floats.random(1, n);
    indices = new int[k];
  }

  @Benchmark
  public int[] topK() {
    kernels.topK(x, 0, n, Math.min(n, k), indices, 0);
    return indices;
  }

  @Benchmark
  public int[] select() {
    kernels.latent().select(x, 0, n, Math.min(n, k), indices, 0, scratch);
    return indices;
  }

  @Benchmark
  public int argmax() {
    return kernels.argmax(x, 0, n);
  }
}
