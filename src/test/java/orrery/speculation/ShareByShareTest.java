package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.graph.HostReads;
import orrery.graph.HostReads.Count;
import orrery.graph.LaunchedOps;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.ShareByShare;
import orrery.graph.Step;
import orrery.hisparse.FetchEntries;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;

/**
 * Regions of the programs of all models. The test stands here because a chain of drafts has ops of
 * all packages below.
 */
class ShareByShareTest {
  private static final int THREADS = 5;
  private static final Path STORIES = Path.of("tiny-models/storyteller-v4");

  static Stream<Path> models() {
    return Stream.concat(TinyModels.all().stream(), TinyModels.quantised().stream());
  }

  @ParameterizedTest
  @MethodSource("models")
  void aRegionRunShareByShareInAnyOrderGivesTheBitsOfItsOpsOneByOne(Path model) {
    try (ProgramBench bench = new ProgramBench(model, new VectorKernels(), THREADS)) {
      for (ProgramBench.Program program : bench.programs(2)) {
        for (boolean fused : new boolean[] {false, true}) {
          List<Op> ops = program.ops(fused);
          int regions = new ShareByShare(bench.step, ops, program.prepare()).requireTheSameBits();
          assertThat(regions).as("regions of %s", program.name()).isLessThanOrEqualTo(ops.size());
        }
      }
    }
  }

  /** A share beyond the threads' own has the working memory of the thread that takes it. */
  @ParameterizedTest
  @MethodSource("models")
  void aRegionInMoreSharesThanThreadsGivesTheBitsOfItsOpsOneByOne(Path model) {
    try (Team team = new Team(2);
        ProgramBench bench = new ProgramBench(model, new VectorKernels(), team.size())) {
      for (ProgramBench.Program program : bench.programs(2)) {
        for (boolean fused : new boolean[] {false, true}) {
          new ShareByShare(bench.step, program.ops(fused), program.prepare())
              .requireTheSameBits(team);
        }
      }
    }
  }

  static Stream<Path> choosers() {
    return Stream.concat(TinyModels.v4Specks().stream(), Stream.of(STORIES));
  }

  @ParameterizedTest
  @MethodSource("choosers")
  void whicheverShareFetchesFirstEachRowFindsItsEntriesInTheSamePlaces(Path model) {
    for (int rows : new int[] {1, 3}) { // with room for one row, others may read on the host
      try (ProgramBench bench = new ProgramBench(model, new VectorKernels(), THREADS, rows)) {
        requireTheSamePlaces(bench, false);
        HostReads cold = bench.step.hostReads();
        assertThat(cold.sum(Count.MISSES) + cold.sum(Count.DIRECT)).isPositive();
        requireTheSamePlaces(bench, true);
        HostReads warm = bench.step.hostReads();
        assertThat(warm.sum(Count.HITS) + warm.sum(Count.DIRECT)).isPositive();
        assertThat(warm.sum(Count.HITS) > 0 || rows == 1).isTrue();
      }
    }
  }

  /**
   * Runs the program of a step with device buffers of the same content each time.
   *
   * @param warm whether they have what rows of other tokens chose; else they are empty
   */
  private static void requireTheSamePlaces(ProgramBench bench, boolean warm) {
    ProgramBench.Program main = bench.programs(2).getFirst();
    List<Op> ops = main.ops(true);
    assertThat(ops).anyMatch(FetchEntries.class::isInstance);
    Runnable prepare =
        () -> {
          bench.emptyBuffers();
          if (warm) {
            bench.random.setSeed(5); // the same tokens each time
            main.prepare().run();
            ops.forEach(op -> op.run(bench.step, 0, 1));
          }
          main.prepare().run(); // other tokens
        };
    new ShareByShare(bench.step, ops, prepare).requireTheSameBits();
  }

  @ParameterizedTest
  @MethodSource("models")
  void anOpThatSaysItIsCutByRowsKeepsToItsRows(Path model) {
    try (ProgramBench bench = new ProgramBench(model, new VectorKernels(), THREADS)) {
      for (ProgramBench.Program program : bench.programs(2)) {
        for (boolean fused : new boolean[] {false, true}) {
          List<Op> ops = program.ops(fused);
          int checked = new ShareByShare(bench.step, ops, program.prepare()).requireOwnRows();
          assertThat(checked).as("ops of %s", program.name()).isPositive();
        }
      }
    }
  }

  /** An op that says it is cut by rows, and does those of the next share. */
  private record Liar(Op op, RowCount rowwise) implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      op.run(step, (share + 1) % shares, shares);
    }

    @Override
    public List<Operand> reads() {
      return op.reads();
    }

    @Override
    public List<Operand> writes() {
      return op.writes();
    }

    @Override
    public long cost(Step step) {
      return op.cost(step);
    }

    @Override
    public String line() {
      return op.line();
    }
  }

  @Test
  void aProductThatWronglySaysItIsCutByRowsIsNoticed() {
    Path speck = TinyModels.speck("mtp");
    try (ProgramBench bench = new ProgramBench(speck, new VectorKernels(), THREADS)) {
      ProgramBench.Program main = bench.programs(2).getFirst();
      List<Op> ops = new ArrayList<>(LaunchedOps.of(main.forward()));
      int product = 0;
      while (!(ops.get(product) instanceof MatMul)) {
        product++;
      }
      MatMul honest = (MatMul) ops.get(product);
      ops.set(product, new Liar(honest, honest.y().rowCount()));
      ShareByShare check = new ShareByShare(bench.step, ops, main.prepare());
      assertThatThrownBy(check::requireTheSameBits)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("has other bits");
      assertThatThrownBy(check::requireOwnRows)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining(honest.line());
    }
  }
}
