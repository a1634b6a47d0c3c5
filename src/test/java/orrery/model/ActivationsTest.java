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
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;

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
