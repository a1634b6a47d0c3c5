package orrery.hisparse;

import java.util.List;
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
import orrery.graph.IntBuffer;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kernels.ScalarKernels;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * The entries of one decode row, in a buffer of twice as many slots: all of them there, or all to
 * be copied from the host. The sizes are those of storyteller-v4 and of DeepSeek-V4.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="FetchEntriesBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class FetchEntriesBenchmark {
  private static final int RATIO = 4;
  private static final int SLOT = 16 * 1024 * RATIO - 2; // completes no entry

  /** topk and width. */
  @Param({"32x48", "512x512"})
  public String shape;

  @Param public KvDtype dtype;

  private Step step;
  private IntBuffer selected;
  private FetchEntries op;
  private int topk;
  private int turn;

  @Setup
  public void setUp() {
    String[] sizes = shape.split("x");
    topk = Integer.parseInt(sizes[0]);
    int width = Integer.parseInt(sizes[1]);
    Stream entries =
        new Stream("entry", width, RATIO, Stream.ALL, Stream.ALL, dtype.format(64, 16), topk);
    KvLayout layout = new KvLayout(List.of(entries)).onHost(new DeviceBuffers(2 * topk, 1));
    KvCache cache = new KvCache(layout, 64, SLOT + 2, SLOT / 64 + 1);
    step = new Step(1, 1, 1, new ScalarKernels());
    step.tables[0] = cache.newTable();
    cache.reserve(step.tables[0], SLOT + 1);
    cache.takeBuffer(step.tables[0]);
    step.add(0, SLOT, 0, false);
    RowCount rows = Step::rows;
    selected = new IntBuffer("selected", rows, 1, topk);
    EntryBuffers buffers = EntryBuffers.of(cache, StreamRows.of(cache, 0));
    op = new FetchEntries(selected, buffers, new IntBuffer("places", rows, 1, topk));
  }

  private void fetch(int first) {
    for (int i = 0; i < topk; i++) {
      selected.data[i] = first + 7 * i;
    }
    op.run(step, 0, 1);
  }

  @Benchmark
  public void hits() {
    fetch(0);
  }

  /** Of three sets of entries, the buffer has room for two. */
  @Benchmark
  public void misses() {
    turn = (turn + 1) % 3;
    fetch(4096 * turn);
  }
}
