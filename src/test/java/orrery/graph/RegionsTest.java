package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import orrery.kernels.ScalarKernels;

/** Regions of made-up ops. */
class RegionsTest {
  private static final RowCount ROWS = Step::rows;
  private static final RowCount WANTED = Step::logitRows;
  private static final Buffer A = new Buffer("a", ROWS, 4, 1);
  private static final Buffer B = new Buffer("b", ROWS, 4, 1);
  private static final Buffer C = new Buffer("c", ROWS, 4, 1);
  private static final Buffer LAST = new Buffer("last", WANTED, 4, 1);
  private static final IntBuffer IDS = new IntBuffer("ids", ROWS, 4, 1);

  /** An op that computes nothing. */
  private record Made(
      String line, RowCount rowwise, boolean serial, List<Operand> reads, List<Operand> writes)
      implements Op {
    @Override
    public void run(Step step, int share, int shares) {}

    @Override
    public long cost(Step step) {
      return 100_000;
    }
  }

  private static Op byRows(String name, RowCount rows, List<Operand> reads, Operand... writes) {
    return new Made(name, rows, false, reads, List.of(writes));
  }

  private static Op byOutputs(String name, List<Operand> reads, Operand... writes) {
    return new Made(name, null, false, reads, List.of(writes));
  }

  private static Op serial(String name, List<Operand> reads, Operand... writes) {
    return new Made(name, null, true, reads, List.of(writes));
  }

  /** The regions, with what the caller does before in brackets. */
  private static List<String> regions(Op... ops) {
    return Regions.of(List.of(ops)).stream()
        .map(
            r -> {
              String before = r.before.length == 0 ? "" : "(" + names(r.before) + ") ";
              return before + names(r.ops);
            })
        .toList();
  }

  private static String names(Op[] ops) {
    return Arrays.stream(ops).map(Op::line).collect(Collectors.joining(" "));
  }

  @Test
  void aChainOfOpsThatAreCutAtTheSameRowsIsOneRegion() {
    assertThat(
            regions(
                byRows("norm", ROWS, List.of(A), B),
                byRows("project", ROWS, List.of(B), C),
                byRows("select", ROWS, List.of(C), IDS),
                byRows("add", ROWS, List.of(C, A), A)))
        .containsExactly("norm project select add");
  }

  @Test
  void anOpThatIsCutByOutputsWaitsAndIsWaitedFor() {
    assertThat(
            regions(
                byRows("norm", ROWS, List.of(A), B),
                byOutputs("project", List.of(B), C),
                byRows("add", ROWS, List.of(C, A), A)))
        .containsExactly("norm", "project", "add");
  }

  @Test
  void opsThatDoNotNeedEachOtherShareAHandOverWhereverTheyWereLaunched() {
    assertThat(
            regions(
                byOutputs("q", List.of(A), B),
                byRows("rope", ROWS, List.of(B), B),
                byOutputs("k", List.of(A), C)))
        .containsExactly("q k", "rope");
  }

  @Test
  void aBufferIsOverwrittenOnlyWhenItsReadersAreDone() {
    assertThat(
            regions(
                byOutputs("first", List.of(A), B),
                byOutputs("reader", List.of(B), C),
                byOutputs("second", List.of(A), B)))
        .containsExactly("first", "reader", "second");
    assertThat(regions(byOutputs("first", List.of(A), B), byOutputs("second", List.of(A), B)))
        .containsExactly("first", "second");
  }

  /** A share of one buffer's rows needs other rows of the other buffer. */
  @Test
  void rowsOfDifferentCountsAreNotTheSameRows() {
    assertThat(
            regions(
                byRows("norm", ROWS, List.of(A), B),
                byRows("pick", WANTED, List.of(B, StepField.LOGIT_ROW), LAST),
                byRows("scale", WANTED, List.of(LAST), LAST)))
        .containsExactly("norm", "pick scale");
  }

  @Test
  void whatCannotBeSplitRunsBeforeTheHandOverThatNeedsIt() {
    assertThat(
            regions(
                byRows("select", ROWS, List.of(A), IDS),
                serial("group", List.of(IDS), B),
                byOutputs("experts", List.of(B), C)))
        .containsExactly("select", "(group) experts");
    assertThat(
            regions(
                serial("first", List.of(A), B),
                serial("second", List.of(B), C),
                byOutputs("user", List.of(B, C), A)))
        .containsExactly("(first second) user");
  }

  @Test
  void anOpThatDropsRowsWaitsForAllAndAllWaitForIt() {
    assertThat(
            regions(
                byRows("norm", ROWS, List.of(A), B),
                serial("next", List.of(), StepField.ROWS),
                byRows("other", ROWS, List.of(C), C)))
        .containsExactly("norm", "(next) other");
  }

  @Test
  void moreThreadsGetNoMoreSharesThanTheWorkPaysFor() {
    assertThat(Executor.shares(0, 16)).isEqualTo(1);
    assertThat(Executor.shares(10_000, 16)).isEqualTo(1);
    assertThat(Executor.shares(1_000_000_000, 16)).isEqualTo(16);
    int before = 1;
    for (long cost = 1_000; cost < 100_000_000; cost *= 2) {
      int shares = Executor.shares(cost, 16);
      assertThat(shares).isBetween(before, 16);
      assertThat(Executor.shares(cost, 4)).isEqualTo(Math.min(4, shares));
      before = shares;
    }
  }

  @Test
  void opsThatAreAllCutByRowsGetNoMoreSharesThanThereAreRows() {
    Step step = new Step(4, 1, 16, new ScalarKernels());
    Op byRows = byRows("norm", ROWS, List.of(A), B);
    Op[] large = new Op[1000];
    Arrays.fill(large, byRows);
    for (int rows = 1; rows <= 3; rows++) {
      step.add(0, 0, 0, false);
      assertThat(Executor.shares(large, step, 16)).isEqualTo(rows);
      large[999] = byOutputs("project", List.of(A), C);
      assertThat(Executor.shares(large, step, 16)).isGreaterThanOrEqualTo(16);
      large[999] = byRows;
    }
    StepProgram program = new StepProgram(List.of(byRows));
    step.clear();
    step.add(0, 0, 0, false);
    assertThat(program.handOvers(step, 2)).isZero();
    assertThat(program.listing(step, 2)).isEqualTo("caller alone\n  0  norm");
    step.add(0, 0, 0, false);
    assertThat(program.handOvers(step, 2)).isEqualTo(1);
  }

  @Test
  void longSharesAreCutIntoMoreThanThereAreThreads() {
    Step step = new Step(4, 1, 16, new ScalarKernels());
    step.add(0, 0, 0, false);
    Op[] ops = new Op[200];
    Arrays.fill(ops, byOutputs("project", List.of(A), C)); // 1 ms at 20 multiply-adds a nanosecond
    assertThat(Executor.shares(ops, step, 4)).as("each share 250 µs").isEqualTo(16);
    assertThat(Executor.shares(ops, step, 8)).as("each share 125 µs").isEqualTo(8);
    ops[7] = new Coarse(ops[7]);
    assertThat(Executor.shares(ops, step, 4)).as("an op with coarse shares").isEqualTo(4);
  }

  /** An op whose small shares take longer together. */
  private record Coarse(Op op) implements Op {
    @Override
    public void run(Step step, int share, int shares) {}

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
    public boolean fine() {
      return false;
    }

    @Override
    public String line() {
      return op.line();
    }
  }

  @Test
  void manyRowsAreCutIntoSharesOfManyRows() {
    Step step = new Step(256, 1, 4, new ScalarKernels());
    Op[] ops = new Op[200];
    Arrays.fill(ops, byRows("norm", ROWS, List.of(A), B));
    for (int row = 0; row < 256; row++) {
      step.add(0, 0, 0, false);
      if (List.of(8, 64, 160, 256).contains(row + 1)) {
        assertThat(Executor.shares(ops, step, 4)).isEqualTo(row + 1 < 256 ? 4 : 8);
      }
    }
  }

  @Test
  void aSmallMatrixIsCutByRowsAndALargeOneByOutputs() {
    assertThat(Cuts.byRows(8, 2, 128 * 128)).isTrue();
    assertThat(Cuts.byRows(8, 2, 4096 * 1024)).isFalse();
    assertThat(Cuts.byRows(1, 2, 16)).as("one row for two threads").isFalse();
  }
}
