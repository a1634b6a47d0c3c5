package orrery.graph;

import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.numerics.Highest;
import orrery.quantization.WeightFormat;

/**
 * A head whose rows are greedy: the product and the highest logit of each row. As one op, as two,
 * and as a product behind which the calling thread looks at every logit. Each returns the sum of
 * the tokens that it found, which is the same.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="HeadBenchmark -p threads=2 -p rows=1,32"}; the
 * largest head takes 120 MB. More threads than the machine has cores tell nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class HeadBenchmark {
  private static final int IN = 192; // as wide as the storyteller models

  /** Those of the storyteller models, of Llama 2 and of GLM-4.5. */
  @Param({"2048", "32000", "151552"})
  public int vocab;

  @Param({"1", "8", "32"})
  public int rows;

  @Param({"1", "2"})
  public int threads;

  private Team team;
  private Executor executor;
  private Step step;
  private Buffer logits;
  private HighestLogits highest;
  private StepProgram fused;
  private StepProgram apart;
  private StepProgram product;

  /** Makes a head, and rows of which each is greedy. */
  @Setup(Level.Trial)
  public void setUp() {
    step = new Step(rows, 1, threads, new VectorKernels());
    for (int r = 0; r < rows; r++) {
      step.add(0, r, 0, true);
      step.greedy();
    }
    Random random = new Random(1);
    PackedMatrix w =
        PackedMatrix.pack(WeightFormat.F32, vocab, IN, (row, into) -> fill(into, random));
    Buffer x = new Buffer("x", Step::logitRows, rows, IN);
    fill(x.data, random);
    logits = new Buffer("logits", x.rowCount(), rows, vocab);
    highest = HighestLogits.of(logits);
    MatMul head = new MatMul(x, w, logits);
    StepProgram launched =
        Capture.of(
            g -> {
              g.launch(head);
              g.launch(highest);
            });
    product = Capture.of(g -> g.launch(head)).inRegions(rows, threads);
    apart = launched.inRegions(rows, threads);
    Set<Operand> results = Set.of(logits, highest.best());
    fused =
        Fusion.apply(launched, List.of(MatMulHighest.RULE), results)
            .program()
            .inRegions(rows, threads);
    team = new Team(threads);
    executor = new Executor(team);
  }

  /** Stops the threads. */
  @TearDown(Level.Trial)
  public void tearDown() {
    team.close();
  }

  private static void fill(float[] x, Random random) {
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
  }

  /** The share that computes some columns looks at them. */
  @Benchmark
  public int fused() {
    fused.run(executor, step);
    return tokens();
  }

  /** An op of its own looks at all columns; its shares take rows. */
  @Benchmark
  public int apart() {
    apart.run(executor, step);
    return tokens();
  }

  /** The calling thread looks at all columns of all rows. */
  @Benchmark
  public int byTheCaller() {
    product.run(executor, step);
    int sum = 0;
    for (int r = 0; r < rows; r++) {
      sum += Highest.of(logits.data, logits.row(r), vocab);
    }
    return sum;
  }

  /** The product alone: what is left of the times above is the look. */
  @Benchmark
  public float product() {
    product.run(executor, step);
    return logits.data[0];
  }

  private int tokens() {
    int sum = 0;
    for (int r = 0; r < rows; r++) {
      sum += highest.token(r);
    }
    return sum;
  }
}
