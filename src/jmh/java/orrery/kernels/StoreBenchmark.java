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
import orrery.quantization.WeightFormat;

/**
 * What moves numbers and computes nothing: keys and values of 32 rows into their pages, and 32 rows
 * of an embedding, sizes of storyteller-moe.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="StoreBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class StoreBenchmark {
  private static final int ROWS = 32;
  private static final int PAGE = 16;
  private static final int COLUMNS = 192;
  private static final int TOKENS = 2000;

  /** How cached rows are stored; the embedding is bf16 or, with F32, float32. */
  @Param({"F32", "BF16", "FP8"})
  public KvDtype dtype;

  private final AttentionShape shape = new AttentionShape(6, 2, 32, 32, PAGE, 0.125f);
  private final int[] pages = new int[ROWS];
  private CachedRows keys;
  private CachedRows values;
  private PackedMatrix embedding; // [TOKENS][COLUMNS]
  private float[] x; // [ROWS][COLUMNS]

  @Setup
  public void setUp() {
    for (int i = 0; i < ROWS; i++) {
      pages[i] = 7 * i % ROWS; // scattered
    }
    keys = CachedRows.allocate(dtype.format(32, 0), shape.keyWidth(), ROWS * PAGE);
    values = CachedRows.allocate(dtype.format(32, 0), shape.valueWidth(), ROWS * PAGE);
    x = Floats.random(1, ROWS * COLUMNS);
    WeightFormat format = dtype == KvDtype.F32 ? WeightFormat.F32 : WeightFormat.BF16;
    embedding =
        PackedMatrix.pack(
            format,
            TOKENS,
            COLUMNS,
            (row, into) -> {
              for (int k = 0; k < COLUMNS; k++) {
                into[k] = (row * 31 + k * 7) % 128 / 128f; // 7 bits: bf16 holds them
              }
            });
  }

  @Benchmark
  public CachedRows writeKv() {
    for (int r = 0; r < ROWS; r++) {
      for (int h = 0; h < shape.kvHeads(); h++) {
        shape.putKey(keys, pages, r * PAGE + r % PAGE, h, x, r * COLUMNS + h * 32);
        shape.putValue(values, pages, r * PAGE + r % PAGE, h, x, r * COLUMNS + h * 32);
      }
    }
    return values;
  }

  @Benchmark
  public float[] embed() {
    for (int r = 0; r < ROWS; r++) {
      embedding.row(61 * r % TOKENS, x, r * COLUMNS);
    }
    return x;
  }
}
