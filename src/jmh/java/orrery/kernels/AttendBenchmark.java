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
 * Attention: 8 query heads of 64, 2 key/value heads, by context and page size.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="AttendBenchmark -p context=512"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class AttendBenchmark {
  private static final int HEADS = 8;
  private static final int KV_HEADS = 2;
  private static final int DIM = 64;

  @Param({"64", "512"})
  public int context;

  /** Tokens of a page; max is one page for the whole context. */
  @Param({"1", "16", "max"})
  public String page;

  /** Queries of consecutive tokens; the last query sees the whole context. */
  @Param({"1", "4"})
  public int rows;

  private final Kernels kernels = new VectorKernels();
  private final Scratch scratch = new Scratch();
  private AttentionShape shape;
  private int[] pages; // [context / page]
  private float[] q; // [rows][heads][dim]
  private float[] keys;
  private float[] values;
  private float[] out; // [rows][heads][dim]

  @Setup
  public void setUp() {
    int tokens = page.equals("max") ? context : Integer.parseInt(page);
    shape = new AttentionShape(HEADS, KV_HEADS, DIM, DIM, tokens, 0.125f);
    pages = new int[context / tokens];
    for (int i = 0; i < pages.length; i++) {
      pages[i] = 7 * i % pages.length; // scattered; 7 has no factor in common with their number
    }
    q = Floats.random(1, rows * HEADS * DIM);
    keys = Floats.random(2, context * shape.keyWidth());
    values = Floats.random(3, context * shape.valueWidth());
    out = new float[rows * HEADS * DIM];
  }

  @Benchmark
  public float[] attend() {
    int width = HEADS * DIM;
    kernels.attend(
        shape,
        q,
        0,
        width,
        rows,
        new F32Rows(shape.keyWidth(), keys),
        new F32Rows(shape.valueWidth(), values),
        pages,
        0,
        context - rows,
        0,
        KV_HEADS,
        out,
        0,
        width,
        scratch);
    return out;
  }
}
