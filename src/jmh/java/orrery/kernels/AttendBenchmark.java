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
 * Attention of one row of each of 32 requests: 6 query heads of 32 and 2 key/value heads, as in
 * storyteller-moe, by what cached rows are stored as, context and page size. Each call takes the
 * next of some layers, so that rows come from where a step finds them: those of 24 layers and 128
 * tokens, 57 MB of float32, from memory.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="AttendBenchmark -p context=128 -p page=16"}
 *
 * <p>A call has 24,576 · context operations. One core of the build machine does 100 of them in a
 * nanosecond at most (256 bits), so 128 tokens cannot take less than 31 us.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class AttendBenchmark {
  private static final int REQUESTS = 32;
  private static final int HEADS = 6;
  private static final int KV_HEADS = 2;
  private static final int DIM = 32;

  @Param({"F32", "BF16", "FP8"})
  public KvDtype dtype;

  @Param({"128", "1024"})
  public int context;

  /** Tokens of a page. */
  @Param({"16", "1"})
  public int page;

  /** Queries of consecutive tokens; the last query sees the whole context. */
  @Param({"1", "4"})
  public int rows;

  @Param({"6", "24"})
  public int layers;

  private final Kernels kernels = new VectorKernels();
  private final Scratch scratch = new Scratch();
  private CachedRows[] keys; // [layers]
  private CachedRows[] values; // [layers]
  private AttentionShape shape;
  private int[][] pages; // [requests][context / page]
  private float[] q; // [rows][heads][dim]
  private float[] out; // [rows][heads][dim]
  private int layer;

  @Setup
  public void setUp() {
    shape = new AttentionShape(HEADS, KV_HEADS, DIM, DIM, page, 0.125f);
    int each = context / page;
    pages = new int[REQUESTS][each];
    for (int i = 0; i < REQUESTS * each; i++) {
      pages[i % REQUESTS][i / REQUESTS] = (int) (7L * i % (REQUESTS * each)); // scattered
    }
    keys = new CachedRows[layers];
    values = new CachedRows[layers];
    for (int l = 0; l < layers; l++) {
      keys[l] = stored(shape.headDim(), shape.keyWidth());
      values[l] = stored(shape.valueStride(), shape.valueWidth());
    }
    q = Floats.random(1, rows * HEADS * DIM);
    out = new float[rows * HEADS * DIM];
  }

  private CachedRows stored(int block, int width) {
    CachedRows rows = CachedRows.allocate(dtype.format(block, 0), width, REQUESTS * context);
    float[] some = Floats.random(2, 97 * width);
    for (int r = 0; r < REQUESTS * context; r++) {
      rows.write(r, some, r % 97 * width);
    }
    return rows;
  }

  @Benchmark
  public float[] attend() {
    int width = HEADS * DIM;
    int l = layer++ % layers;
    for (int[] table : pages) {
      kernels.attend(
          shape,
          q,
          0,
          width,
          rows,
          keys[l],
          values[l],
          table,
          0,
          context - rows,
          0,
          KV_HEADS,
          out,
          0,
          width,
          scratch);
    }
    return out;
  }
}
