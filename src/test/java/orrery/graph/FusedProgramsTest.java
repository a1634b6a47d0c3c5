package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
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
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.Fp8Activations;
import orrery.model.FusionRules;
import orrery.model.GreedyForward;
import orrery.model.Model;

/** Fused programs of real models, against the programs as they were launched. */
class FusedProgramsTest {
  private static final int ROWS = 20;
  private static final int SHARES = 4;

  static Stream<Path> models() {
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks(), TinyModels.quantised())
        .flatMap(List::stream);
  }

  /** A pass of a model, and a step for it. */
  private record Pass(Step step, StepProgram launched, Set<Operand> results) {
    Fusion.Fused fused() {
      return Fusion.apply(launched, FusionRules.ALL, results);
    }
  }

  /**
   * The passes of a model, with {@code rows} rows of two sequences.
   *
   * @param bucket rows that the buffers have room for
   */
  private static List<Pass> passes(Model model, int bucket, int rows, Kernels kernels) {
    KvLayout layout = model.kvLayout(model.hasMtp(), KvDtype.F32);
    int page = layout.wholeRows(4);
    int slots = Math.ceilDiv(4 * ROWS, page) * page;
    KvCache cache = new KvCache(layout, page, slots, 2 * slots / page);
    Forward f = new GreedyForward(model.bind(cache, bucket).apply(bucket));
    Step step = new Step(bucket, 2, SHARES, kernels);
    for (int s = 0; s < 2; s++) {
      step.tables[s] = cache.newTable();
      cache.reserve(step.tables[s], slots);
    }
    int begin = Math.min(page, slots - ROWS - 1); // as many positions as slots
    Random random = new Random(3);
    for (int stream = 0; stream < layout.streams().size(); stream++) {
      fill(cache.rows(stream).floats(), random);
    }
    for (int r = 0; r < rows; r++) { // most of them a prompt's, the last ones decode
      int sequence = r < rows - 2 ? 0 : 1;
      step.add(random.nextInt(model.vocab()), begin + r, begin + r + 1, sequence, r % 3 != 1);
      if (r % 4 != 0) {
        step.greedy();
      }
    }
    List<Pass> passes = new ArrayList<>();
    passes.add(new Pass(step, Capture.of(f::main), f.results()));
    passes.add(new Pass(step, Capture.of(f::head), f.results()));
    fill(f.states().data, random);
    if (model.hasMtp()) {
      fill(f.mtpInput().data, random);
      passes.add(new Pass(step, Capture.of(f::mtp), f.mtpResults()));
      passes.add(new Pass(step, Capture.of(f::mtpKv), f.mtpResults()));
    }
    return passes;
  }

  private static void fill(float[] data, Random random) {
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
  }

  private static List<Model> variants(Path directory) {
    Model model = LoadedModel.load(directory).model();
    return Fp8Activations.matter(model)
        ? List.of(model, Fp8Activations.of(model, ActivationDtype.FP8))
        : List.of(model);
  }

  @ParameterizedTest
  @MethodSource("models")
  void aFusedProgramLeavesTheSameBitsInAnyOrderOfSharesAndNeedsNoDeadBuffer(Path directory) {
    for (Model model : variants(directory)) {
      // 5 rows in a bucket of 8: norms go into products. 17 rows in a bucket of 20: they do not.
      requireSameBits(passes(model, 8, 5, new VectorKernels()), directory, 1);
      requireSameBits(passes(model, 8, 1, new ScalarKernels()), directory, 2);
      requireSameBits(passes(model, ROWS, 17, new VectorKernels()), directory, 3);
      requireSameBits(passes(model, ROWS, 17, new ScalarKernels()), directory, SHARES);
    }
  }

  private static void requireSameBits(List<Pass> passes, Path directory, int shares) {
    Random random = new Random(7);
    for (Pass pass : passes) {
      Fusion.Fused fused = pass.fused();
      List<Op> all = new ArrayList<>(pass.launched.ops());
      all.addAll(fused.program().ops());
      Memory memory = new Memory(pass.step, all);
      Map<Operand, int[]> begin = memory.state();
      pass.launched.ops().forEach(op -> op.run(pass.step, 0, 1));
      Map<Operand, int[]> expected = memory.state();
      memory.restore(begin);
      fused.report().rules().stream()
          .flatMap(rule -> rule.unnecessary().stream())
          .forEach(dead -> memory.spoil(dead, null, 0));
      for (Op op : fused.program().ops()) {
        int n = op.serial() ? 1 : shares;
        List<Integer> order = new ArrayList<>();
        for (int s = 0; s < n; s++) {
          order.add(s);
        }
        Collections.shuffle(order, random);
        order.forEach(s -> op.run(pass.step, s, n));
      }
      Map<Operand, int[]> result = memory.state();
      for (Operand o : memory.operands()) {
        if (o instanceof StreamRows || pass.results.contains(o)) {
          boolean[] live = memory.inUse(o);
          for (int i = 0; i < live.length; i++) {
            if (live[i] && result.get(o)[i] != expected.get(o)[i]) {
              assertThat(i).as("%s: first element of %s that differs", directory, o).isEqualTo(-1);
            }
          }
        }
      }
    }
  }

  @Test
  void everyRuleMatchesInSomeModel() {
    Set<String> matched = new HashSet<>();
    models()
        .flatMap(directory -> variants(directory).stream())
        .flatMap(model -> passes(model, 8, 5, new ScalarKernels()).stream())
        .flatMap(pass -> pass.fused().report().rules().stream())
        .filter(rule -> rule.times() > 0)
        .forEach(rule -> matched.add(rule.rule()));
    assertThat(matched)
        .containsExactlyInAnyOrderElementsOf(
            FusionRules.ALL.stream().map(FusionRule::name).toList());
  }

  @Test
  void aLayerOfEachArchitectureIsFewOps() {
    // 164 ops in six layers, one of them dense, and 406 in eight.
    assertThat(opsOf(Path.of("tiny-models/storyteller-moe"))).isLessThanOrEqualTo(62);
  }

  private static int opsOf(Path directory) {
    Model model = LoadedModel.load(directory).model();
    return passes(model, 8, 8, new ScalarKernels()).getFirst().fused().program().size();
  }
}
