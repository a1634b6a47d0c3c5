package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.FusionRules;
import orrery.model.Model;

/** Captured steps of real models. */
class StepProgramTest {
  private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int SLOTS = 64;

  static Stream<Path> specks() {
    return TinyModels.specks().stream();
  }

  /** Two sequences in a cache of small pages, and the forward pass of one row bucket. */
  private static final class Bench {
    final Model model;
    final KvCache cache;
    final Forward forward;
    final int rows;
    final int page;

    Bench(Path directory, int rows) {
      this.model = LoadedModel.load(directory).model();
      KvLayout layout = model.kvLayout(model.hasMtp(), KvDtype.F32);
      this.page = layout.wholeRows(4);
      int slots = Math.ceilDiv(SLOTS, page) * page;
      this.cache = new KvCache(layout, page, slots, 2 * slots / page);
      this.forward = model.bind(cache, rows).apply(rows);
      this.rows = rows;
    }

    Step step(int threads, Kernels kernels) {
      Step step = new Step(rows, 2, threads, kernels);
      for (int s = 0; s < 2; s++) {
        step.tables[s] = cache.newTable();
      }
      for (int slots = page;
          slots < SLOTS + page;
          slots += page) { // pages of both sequences interleaved
        cache.reserve(step.tables[0], slots);
        cache.reserve(step.tables[1], slots);
      }
      return step;
    }
  }

  /** Records the taps of an eager pass: the experts that the routers chose. */
  private static final class Routing extends Eager {
    private final Set<String> routings;

    Routing(Executor executor, Step step, Set<String> routings) {
      super(executor, step);
      this.routings = routings;
    }

    @Override
    public void tap(String name, IntBuffer buffer) {
      int n = buffer.rows(step()) * buffer.cols;
      routings.add(name + Arrays.toString(Arrays.copyOf(buffer.data, n)));
    }
  }

  @ParameterizedTest
  @MethodSource("specks")
  void oneCapturedProgramServesEveryRowCountRoutingAndPageTable(Path directory) {
    long seed = 5;
    System.out.println(directory + ": ragged steps, seed " + seed);
    Random random = new Random(seed);
    Bench replayed = new Bench(directory, 8);
    Bench eager = new Bench(directory, 8);
    StepProgram program = Capture.of(replayed.forward::main); // before there is any step
    Set<String> routings = new HashSet<>();
    try (Team team = new Team(1)) {
      Executor executor = new Executor(team);
      Step one = replayed.step(1, new ScalarKernels());
      Step other = eager.step(1, new VectorKernels());
      int[] length = new int[2];
      int steps = 0;
      while (length[0] < SLOTS - 8 && length[1] < SLOTS - 8) {
        fill(one, other, length, random, replayed.model.vocab());
        program.run(executor, one);
        eager.forward.main(new Routing(executor, other, routings));
        assertThat(rows(replayed.forward.states(), one))
            .isDeepEqualTo(rows(eager.forward.states(), other));
        assertThat(rows(replayed.forward.logits(), one))
            .isDeepEqualTo(rows(eager.forward.logits(), other));
        steps++;
      }
      assertThat(routings).as("different routings").hasSizeGreaterThan(steps / 2);
    }
  }

  /**
   * Gives two steps the same rows: some of each sequence, either first, some of them with logits.
   */
  private static void fill(Step one, Step other, int[] length, Random random, int vocab) {
    one.clear();
    other.clear();
    int first = random.nextInt(2);
    int rows = 1 + random.nextInt(8);
    int ofFirst = random.nextInt(rows + 1);
    for (int r = 0; r < rows; r++) {
      int sequence = r < ofFirst ? first : 1 - first;
      int token = random.nextInt(vocab);
      boolean wanted = random.nextInt(3) == 0;
      one.add(token, length[sequence], sequence, wanted);
      other.add(token, length[sequence]++, sequence, wanted);
    }
  }

  private static float[][] rows(Buffer buffer, Step step) {
    float[][] rows = new float[buffer.rows(step)][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = Arrays.copyOfRange(buffer.data, buffer.row(r), buffer.row(r) + buffer.cols);
    }
    return rows;
  }

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "1, true", "2, true"})
  void replayWithScalarKernelsAllocatesNothingAfterTheFirstSteps(int threads, boolean fused) {
    for (Path directory : TinyModels.specks()) {
      Replay replay = new Replay(new Bench(directory, 24), threads, new ScalarKernels(), fused);
      try (Team team = new Team(threads)) {
        Executor executor = new Executor(team);
        replay.bytesOf(executor, 96);
        // The JVM itself may allocate once, when it links or recompiles code; a step never
        // allocates.
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3 && least > 0; i++) {
          least = Math.min(least, replay.bytesOf(executor, 240));
        }
        assertThat(least).as("bytes, %s", directory).isZero();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "1, true", "2, true"})
  void replayWithVectorKernelsAllocatesNothingOnceCompiled(int threads, boolean fused) {
    Path directory = TinyModels.speck("groups");
    Replay replay = new Replay(new Bench(directory, 24), threads, new VectorKernels(), fused);
    try (Team team = new Team(threads)) {
      Executor executor = new Executor(team);
      long giveUp = System.nanoTime() + 300_000_000_000L;
      int silent = 0; // windows in a row without an allocation
      while (silent < 5 && System.nanoTime() < giveUp) {
        silent = replay.bytesOf(executor, 240) == 0 ? silent + 1 : 0;
      }
      assertThat(silent).as("windows of 240 steps in a row without a byte").isEqualTo(5);
    }
  }

  /**
   * Replays steps of 24 to 1 rows over the same slots again and again; the larger ones are split.
   */
  private static final class Replay {
    final Bench bench;
    final Step step;
    final StepProgram program;
    int at;

    Replay(Bench bench, int threads, Kernels kernels, boolean fused) {
      this.bench = bench;
      this.step = bench.step(threads, kernels);
      StepProgram launched = Capture.of(bench.forward::main);
      StepProgram captured =
          fused
              ? Fusion.apply(launched, FusionRules.ALL, bench.forward.results()).program()
              : launched;
      this.program = captured.inRegions(bench.rows, threads);
    }

    /** Bytes that the calling thread allocates in {@code steps} steps. */
    long bytesOf(Executor executor, int steps) {
      long before = THREAD.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < steps; i++) {
        step.clear();
        for (int r = 0; r < 24 - at % 24; r++) {
          step.add((at + r) % bench.model.vocab(), 20 + at % 16 + r / 2, r % 2, true);
        }
        at++;
        program.run(executor, step);
      }
      return THREAD.getCurrentThreadAllocatedBytes() - before;
    }
  }

  @ParameterizedTest
  @MethodSource("specks")
  void theListingNamesEveryOpInOrderOnOneShortLine(Path directory) {
    StepProgram program = Capture.of(new Bench(directory, 4).forward::main);
    List<String> lines = program.listing().lines().toList();
    assertThat(lines).hasSize(program.size());
    for (int i = 0; i < lines.size(); i++) {
      assertThat(lines.get(i)).matches(" *" + i + "  \\S.*").hasSizeLessThan(100);
      assertThat(lines.get(i)).doesNotContain("@").doesNotContain("orrery.").doesNotContain("null");
    }
    assertThat(lines.getFirst()).contains("x[");
    assertThat(lines.getLast()).contains("logits[");
    assertThat(program.listing())
        .contains("rmsNorm", "rope", "cache[slot]", "attention", "experts");
  }

  @Test
  void theTapsOfAForwardPassComeInTheOrderOfTheLayers() {
    List<String> taps = new ArrayList<>();
    Launcher recorder =
        new Launcher() {
          @Override
          public void launch(Op op) {}

          @Override
          public void tap(String name, Buffer buffer) {
            taps.add(name);
          }

          @Override
          public void tap(String name, IntBuffer buffer) {
            taps.add(name);
          }
        };
    new Bench(TinyModels.speck("bias"), 1).forward.main(recorder); // layer 0 is dense
    assertThat(taps)
        .containsExactly(
            "streams.0",
            "streams.1",
            "router.1.experts",
            "router.1.weights",
            "streams.2",
            "router.2.experts",
            "router.2.weights",
            "streams.3",
            "hidden");
  }
}
