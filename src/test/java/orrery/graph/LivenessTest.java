package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.Model;

/** The declarations of the ops suffice to say which buffers are not read any more. */
class LivenessTest {
  private static final int LEAST_PAGE = 4;
  private static final int PAGES = 4;

  /** One program of a model. */
  private record Program(
      String name, Step step, List<Op> ops, Set<Buffer> inputs, Set<Buffer> results) {}

  /**
   * Whether what an operand holds when op {@code op} has run is never read: no op reads it before
   * another one overwrites it, and it is no result. Only buffers can be dead; cached rows and the
   * step outlive the program.
   *
   * @param op index of an op, or -1 for the begin of the program
   * @param results what is read when the program has run
   */
  private static boolean isDead(Operand operand, List<Op> ops, int op, Set<Buffer> results) {
    if (!(operand instanceof Buffer || operand instanceof IntBuffer)) {
      return false;
    }
    for (Op later : ops.subList(op + 1, ops.size())) {
      if (later.reads().contains(operand)) {
        return false;
      }
      if (later.writes().contains(operand)) {
        return true;
      }
    }
    return !results.contains(operand);
  }

  static Stream<Program> programs() {
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks())
        .flatMap(List::stream)
        .flatMap(LivenessTest::programs);
  }

  private static Stream<Program> programs(Path speck) {
    Model model = LoadedModel.load(speck).model();
    KvLayout layout = model.kvLayout(model.hasMtp(), KvDtype.F32);
    int page = layout.wholeRows(LEAST_PAGE);
    KvCache cache = new KvCache(layout, page, PAGES * page, PAGES);
    Forward f = model.bind(cache, 4).apply(4);
    String name = speck.getFileName().toString();
    Step main = step(model, cache, 0);
    List<Program> programs = new ArrayList<>();
    programs.add(
        new Program(name, main, LaunchedOps.of(f::main), Set.of(), Set.of(f.states(), f.logits())));
    fill(f.states().data);
    programs.add(
        new Program(
            name + " head",
            main,
            LaunchedOps.of(f::head),
            Set.of(f.states()),
            Set.of(f.states(), f.logits())));
    if (model.hasMtp()) {
      Step mtp = step(model, cache, 1);
      mtp.tables[0] = main.tables[0];
      fill(f.mtpInput().data);
      Set<Buffer> in = Set.of(f.mtpInput());
      Set<Buffer> out = Set.of(f.mtpStates(), f.mtpLogits());
      programs.add(new Program(name + " MTP", mtp, LaunchedOps.of(f::mtp), in, out));
      programs.add(new Program(name + " MTP rows", mtp, LaunchedOps.of(f::mtpKv), in, Set.of()));
    }
    return programs.stream();
  }

  private static Step step(Model model, KvCache cache, int slotOf) {
    Step step = new Step(4, 1, 1, new VectorKernels());
    if (slotOf == 0) {
      step.tables[0] = cache.newTable();
      cache.reserve(step.tables[0], PAGES * cache.geometry().pageTokens());
      for (int stream = 0; stream < cache.layout().streams().size(); stream++) {
        fill(cache.rows(stream).floats());
      }
    }
    int end = 2 * cache.geometry().pageTokens(); // of a page, so that entries become complete
    for (int p = end - 3; p <= end; p++) {
      step.add(p % model.vocab(), p, p + slotOf, 0, p != end - 2);
    }
    return step;
  }

  private static void fill(float[] data) {
    Random random = new Random(data.length);
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
  }

  @ParameterizedTest
  @MethodSource("programs")
  void aBufferThatIsDeadCanBeOverwrittenAndNoResultChanges(Program p) {
    Memory memory = new Memory(p.step, p.ops);
    Map<Operand, int[]> begin = memory.state();
    p.ops.forEach(op -> op.run(p.step, 0, 1));
    Map<Operand, int[]> expected = memory.state();
    for (int kind = 0; kind < 2; kind++) {
      memory.restore(begin);
      int spoilt = 0;
      for (int op = 0; op < p.ops.size(); op++) {
        p.ops.get(op).run(p.step, 0, 1);
        for (Operand o : memory.operands()) {
          if (isDead(o, p.ops, op, p.results)) {
            memory.spoil(o, null, kind);
            spoilt++;
          }
        }
      }
      assertThat(spoilt)
          .as("%s: dead buffers over all ops", p.name)
          .isGreaterThanOrEqualTo(p.ops.size());
      Map<Operand, int[]> result = memory.state();
      for (Operand o : memory.operands()) {
        if (o instanceof StreamRows || p.results.contains(o)) {
          boolean[] live = memory.inUse(o);
          int[] found = result.get(o);
          for (int i = 0; i < live.length; i++) {
            if (live[i] && found[i] != expected.get(o)[i]) {
              assertThat(found).as("%s: %s", p.name, o).isEqualTo(expected.get(o));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("programs")
  void aProgramNeedsNoBufferFromBeforeButTheStatesThatItContinues(Program p) {
    Memory memory = new Memory(p.step, p.ops);
    assertThat(memory.operands())
        .filteredOn(o -> o instanceof Buffer || o instanceof IntBuffer)
        .filteredOn(o -> !isDead(o, p.ops, -1, p.results))
        .as("%s: buffers with a content that is read", p.name)
        .containsExactlyInAnyOrderElementsOf(p.inputs);
  }

  /** By hand: a chain of three ops, one of them in place. */
  @Test
  void aBufferLivesUntilItsLastReaderOrUntilItIsOverwritten() {
    Buffer a = new Buffer("a", Step::rows, 1, 1);
    Buffer b = new Buffer("b", Step::rows, 1, 1);
    Buffer c = new Buffer("c", Step::rows, 1, 1);
    List<Op> ops =
        List.of(
            new RmsNorm(a, new float[1], 0, b, 1), // b = norm a
            new Add(a, b), // b += a
            new RmsNorm(b, new float[1], 0, c, 1), // c = norm b
            new RmsNorm(c, new float[1], 0, b, 1)); // b = norm c
    Set<Buffer> results = Set.of(b);
    assertThat(isDead(a, ops, 0, results)).isFalse();
    assertThat(isDead(a, ops, 1, results)).isTrue();
    assertThat(isDead(b, ops, -1, results)).isTrue();
    assertThat(isDead(b, ops, 0, results)).isFalse();
    assertThat(isDead(b, ops, 1, results)).isFalse();
    assertThat(isDead(b, ops, 2, results)).isTrue();
    assertThat(isDead(b, ops, 3, results)).isFalse();
    assertThat(isDead(b, ops, 3, Set.of(c))).isTrue();
    assertThat(isDead(c, ops, 3, results)).isTrue();
    assertThat(isDead(StepField.TOKEN, ops, 3, results)).isFalse();
  }
}
