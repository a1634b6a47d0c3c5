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
import orrery.kv.KvDtype;

/**
 * Latent attention of one row, by heads x columns and by the rows that it reads: a window of 128,
 * and 512 compressed entries beside it. Attention takes 2 · rows · heads · columns multiply-adds; a
 * core with two vector units of 16 lanes does 32 in a cycle at most.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="LatentBenchmark -p kernel=vector"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class LatentBenchmark {
  private static final int WINDOW = 128;

  @Param({"vector", "scalar"})
  public String kernel;

  /** Heads x columns: a tiny model, a small one, the real one. */
  @Param({"4x32", "16x64", "64x512"})
  public String shape;

  @Param({"128", "640"})
  public int rows;

  /** How cached rows are stored. FP8 has blocks of 64 columns, and a tail of an eighth. */
  @Param({"F32", "BF16", "FP8"})
  public KvDtype dtype;

  private final Scratch scratch = new Scratch();
  private LatentKernels kernels;
  private int heads;
  private int columns;
  private float[] q; // [heads][columns]
  private float[] sink; // [heads]
  private CachedRows near; // [WINDOW][columns]
  private CachedRows far; // [rows][columns]
  private float[] state; // [rows][columns]
  private int[] list; // [rows] scattered; 7 has no factor in common with their number
  private int[] starts; // [rows] where these begin in state
  private float[] out; // [heads][columns]
  private float[] scores; // [rows]

  @Setup
  public void setUp() {
    kernels = (kernel.equals("vector") ? new VectorKernels() : new ScalarKernels()).latent();
    String[] sides = shape.split("x");
    heads = Integer.parseInt(sides[0]);
    columns = Integer.parseInt(sides[1]);
    q = Floats.random(1, heads * columns);
    sink = Floats.random(2, heads);
    state = Floats.random(4, rows * columns);
    near = stored(WINDOW, Floats.random(3, WINDOW * columns));
    far = stored(rows, state);
    list = new int[rows];
    starts = new int[rows];
    for (int i = 0; i < rows; i++) {
      list[i] = 7 * i % (i < WINDOW ? WINDOW : rows);
      starts[i] = list[i] * columns;
    }
    out = new float[heads * columns];
    scores = new float[rows];
  }

  private CachedRows stored(int n, float[] floats) {
    CachedRows stored = CachedRows.allocate(dtype.format(64, columns / 8), columns, n);
    for (int row = 0; row < n; row++) {
      stored.write(row, floats, row * columns);
    }
    return stored;
  }

  @Benchmark
  public float[] attend() {
    kernels.attend(
        q, 0, heads, columns, 0.125f, sink, 0, near, far, list, WINDOW, rows, out, 0, scratch);
    return out;
  }

  /** The keys of an index, with as many heads and columns. */
  @Benchmark
  public float[] indexScores() {
    kernels.indexScores(q, 0, heads, columns, sink, 0, 0.125f, far, list, rows, scores, 0, scratch);
    return scores;
  }

  /** An entry of all the rows, whose halves are vectors and gates; they are float32 always. */
  @Benchmark
  public float[] compress() {
    kernels.compress(state, starts, rows, columns / 2, columns / 2, out, 0, scratch);
    return out;
  }
}
