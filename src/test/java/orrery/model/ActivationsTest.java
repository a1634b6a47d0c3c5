package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.attention.RopeTable;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.graph.Capture;
import orrery.graph.Step;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.model.deepseekv4.DeepSeekV4Config;

/** A forward pass takes as much memory as it states. */
class ActivationsTest {
  private static final int SLACK = 40_000; // objects around the arrays

  static List<Path> models() {
    return TinyModels.all();
  }

  private static long allocated() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    return threads.getCurrentThreadAllocatedBytes();
  }

  @ParameterizedTest
  @MethodSource("models")
  void theBuffersTakeTheMemoryThatTheModelStates(Path directory) {
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      Model model = loaded.model();
      for (boolean mtp : new boolean[] {false, model.hasMtp()}) {
        Activations a = model.activations(mtp, 400);
        KvLayout layout = model.kvLayout(mtp, KvDtype.F32);
        KvCache cache = new KvCache(layout, layout.wholeRows(4), 400, 100);
        measure(model, cache, 10); // classes are loaded once
        IntFunction<Forward> bound = model.bind(cache, 50);
        long before = allocated();
        Forward forward = bound.apply(300);
        long buffers = allocated() - before;
        long said = 300 * a.row() + 50 * a.logitRow();
        assertThat(buffers).as("mtp " + mtp).isBetween(said, said + SLACK);
        assertThat(forward.logits().data).hasSizeLessThan(60 * (model.vocab() + 16));
      }
    }
  }

  static List<Path> quantised() {
    return TinyModels.quantised();
  }

  /** Rounded buffers are made when a pass is launched. */
  @ParameterizedTest
  @MethodSource("quantised")
  void roundedBuffersTakeTheMemoryThatTheModelStates(Path directory) {
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      Model rounded = Fp8Activations.of(loaded.model(), ActivationDtype.FP8);
      for (boolean mtp : new boolean[] {false, rounded.hasMtp()}) {
        Activations plain = loaded.model().activations(mtp, 400);
        Activations a = rounded.activations(mtp, 400);
        assertThat(a.row()).isGreaterThan(plain.row());
        assertThat(new long[] {a.positions(), a.thread()})
            .containsExactly(plain.positions(), plain.thread());
        assertThat(a.thread(7)).isEqualTo(plain.thread(7));
        KvLayout layout = rounded.kvLayout(mtp, KvDtype.F32);
        KvCache cache = new KvCache(layout, layout.wholeRows(4), 400, 100);
        IntFunction<Forward> bound = rounded.bind(cache, 50);
        launch(bound.apply(10), mtp); // classes are loaded once
        long before = allocated();
        Forward forward = bound.apply(300);
        launch(forward, mtp);
        long first = allocated();
        launch(forward, mtp); // makes the same ops, and no buffers
        long ops = allocated() - first;
        long buffers = first - before - ops;
        long said = 300 * a.row() + 50 * a.logitRow();
        assertThat(buffers).as("mtp " + mtp).isBetween(said, said + SLACK);
      }
    }
  }

  /** Of one thread, since then it does the work of all; as many rows as are fused, and more. */
  @ParameterizedTest
  @MethodSource("models")
  void theOpsOfFusedProgramsTakeNoMoreWorkingMemoryThanTheModelStates(Path directory) {
    int most = 300;
    try (LoadedModel loaded = LoadedModel.load(directory);
        Team team = new Team(1)) {
      Model model = loaded.model();
      KvLayout layout = model.kvLayout(model.hasMtp(), KvDtype.F32);
      int page = layout.wholeRows(4);
      int slots = Math.ceilDiv(most + 1, page) * page;
      KvCache cache = new KvCache(layout, page, slots, slots / page);
      Activations a = model.activations(model.hasMtp(), slots);
      ModelRunner runner = new ModelRunner(model, cache, team, most, most, true);
      Step step = new Step(most, 1, 1, new VectorKernels());
      PageTable table = cache.newTable();
      cache.reserve(table, slots);
      for (int rows : new int[] {1, 5, 16, 32, 64, 70, most}) {
        step.clear();
        step.tables[0] = table;
        for (int r = 0; r < rows; r++) {
          step.add(r % model.vocab(), r, 0, true);
        }
        runner.run(step);
        if (model.hasMtp()) {
          runner.runMtp(step);
        }
        // A list of cached rows and their scores, which is counted as attention, lies there too.
        long attention = model.config() instanceof DeepSeekV4Config ? a.thread() : 0;
        assertThat(step.scratch(0).opBytes())
            .as("%d rows", rows)
            .isLessThanOrEqualTo(attention + a.ops() + rows * a.opsRow());
      }
      if (model.hidden() >= 192) { // narrower models do not fill a tile
        assertThat(step.scratch(0).opBytes())
            .isGreaterThanOrEqualTo((a.ops() + 32 * a.opsRow()) / 2);
      }
    }
  }

  private static void launch(Forward forward, boolean mtp) {
    Capture.of(forward::main);
    if (mtp) {
      Capture.of(forward::mtp);
      Capture.of(forward::mtpKv);
    }
  }

  @Test
  void aTableOfPositionsTakesTheMemoryThatItStates() {
    for (int columns : new int[] {1, 2, 7, 24}) {
      RopeTable table = RopeTable.of(400, columns, 1e4, false);
      long bytes = Float.BYTES * (long) (table.cos().length + table.sin().length);
      assertThat(bytes).isEqualTo(400 * RopeTable.bytes(columns));
    }
  }

  private static void measure(Model model, KvCache cache, int rows) {
    model.bind(cache, rows).apply(rows);
  }
}
