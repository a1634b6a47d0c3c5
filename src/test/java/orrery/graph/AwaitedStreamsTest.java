package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.FusionRules;
import orrery.model.Model;

/** A program waits for a stream right before the first op that reads it: not later, not sooner. */
class AwaitedStreamsTest {
  private static final int ROWS = 5;

  static Stream<Path> models() {
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks()).flatMap(List::stream);
  }

  /** An op that says when it runs. */
  private record Told(Op op, List<String> log) implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      if (share == 0) {
        log.add(op.line());
      }
      op.run(step, share, shares);
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
    public RowCount rowwise() {
      return op.rowwise();
    }

    @Override
    public Op cut(int rows, int threads) {
      return new Told(op.cut(rows, threads), log);
    }

    @Override
    public boolean serial() {
      return op.serial();
    }

    @Override
    public String line() {
      return op.line();
    }
  }

  /** What a program must do: regions one by one, and before each the stream that it reads. */
  private static List<String> expected(StepProgram program) {
    List<String> log = new ArrayList<>();
    for (Region region : program.regions()) {
      List<Op> ops = new ArrayList<>(List.of(region.before));
      ops.addAll(List.of(region.ops));
      int highest = -1;
      for (Op op : ops) {
        for (Operand o : op.reads()) {
          highest = o instanceof StreamRows s ? Math.max(highest, s.stream()) : highest;
        }
      }
      if (highest >= 0) {
        log.add("wait " + highest);
      }
      ops.forEach(op -> log.add(op.line()));
    }
    return log;
  }

  @ParameterizedTest
  @MethodSource("models")
  void aProgramWaitsRightBeforeTheFirstOpThatReadsAStream(Path directory) {
    Model model = LoadedModel.load(directory).model();
    KvLayout layout = model.kvLayout(model.hasMtp(), KvDtype.F32);
    int page = layout.wholeRows(4);
    KvCache cache = new KvCache(layout, page, 2 * page + 16, 8);
    Step step = new Step(ROWS, 1, 2, new ScalarKernels());
    step.tables[0] = cache.newTable();
    cache.reserve(step.tables[0], page + 8);
    for (int r = 0; r < ROWS; r++) {
      step.add(r + 1, page + r, page + r, 0, true);
    }
    List<String> log = new ArrayList<>();
    step.arrival(stream -> log.add("wait " + stream));
    Forward f = model.bind(cache, ROWS).apply(ROWS);
    StepProgram launched = Capture.of(f::main);
    StepProgram fused = Fusion.apply(launched, FusionRules.ALL, f.results()).program();
    int waits = 0;
    for (int threads = 1; threads <= 2; threads++) {
      try (Team team = new Team(threads)) {
        Executor executor = new Executor(team);
        for (StepProgram some : List.of(launched, fused, fused.inRegions(ROWS, threads))) {
          List<Op> told = new ArrayList<>();
          some.ops().forEach(op -> told.add(new Told(op, log)));
          StepProgram program = new StepProgram(told);
          program =
              some.regions().size() == told.size() ? program : program.inRegions(ROWS, threads);
          log.clear();
          program.run(executor, step);
          assertThat(log).isEqualTo(expected(program));
          waits += (int) log.stream().filter(line -> line.startsWith("wait")).count();
        }
        log.clear();
        Eager eager = new Eager(executor, step);
        launched.ops().forEach(op -> eager.launch(new Told(op, log)));
        assertThat(log).as("eager").isEqualTo(expected(launched));
      }
    }
    assertThat(waits).isGreaterThan(6);
  }

  @Test
  void aStepBeginsWithoutPagesOnTheirWay() {
    Step step = new Step(ROWS, 1, 1, new ScalarKernels());
    step.arrival(stream -> {});
    step.clear();
    assertThat(step.arrival()).isSameAs(Arrival.COMPLETE);
    assertThat(Arrival.COMPLETE.waitedNanos()).isZero();
  }
}
