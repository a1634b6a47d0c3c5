package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.TinyModels;
import orrery.graph.HostReads.Count;
import orrery.graph.Step;
import orrery.hisparse.HisparseConfig;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;
import orrery.model.ModelRunner;

/** What sparse offload takes of the heap, against what is allocated. */
class SparseMemoryTest {
  private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int ROWS = 4; // of a forward pass
  private static final int SLOTS = 3_000;
  private static final int SLACK = 40_000; // objects around the arrays
  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("v4-mtp"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static EngineOptions options(KvDtype dtype, boolean sparse) {
    return EngineOptions.defaults()
        .withKv(
            kv ->
                kv.withPageSize(8)
                    .withContextLength(256)
                    .withMaxTotalTokens(20_000)
                    .withKvCacheDtype(dtype))
        .withBatching(b -> b.withMaxRunningRequests(3))
        .withHisparse(
            h -> h.withEnableHisparse(sparse).withHisparseConfig(new HisparseConfig(0, SLOTS)));
  }

  private static KvCache cache(EngineOptions o) {
    KvGeometry g = Sizes.geometry(loaded.model(), o, 256);
    int[] pages = Arrays.stream(Sizes.pages(o, g, 256)).mapToInt(Math::toIntExact).toArray();
    return new KvCache(Sizes.layout(loaded.model(), o), g, 256, pages);
  }

  /** Bytes of a forward pass on a cache: its buffers, and those of the device. */
  private static long bind(KvCache cache) {
    long before = THREAD.getCurrentThreadAllocatedBytes();
    loaded.model().bind(cache, ROWS).apply(ROWS);
    return THREAD.getCurrentThreadAllocatedBytes() - before;
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void pagesBuffersAndBooksTakeWhatThePlanSays(KvDtype dtype) {
    EngineOptions o = options(dtype, true);
    HeapPlan plan = HeapPlan.of(loaded.model(), o);
    bind(cache(o)); // classes are loaded once
    long before = THREAD.getCurrentThreadAllocatedBytes();
    KvCache cache = cache(o);
    long pages = THREAD.getCurrentThreadAllocatedBytes() - before;
    long saidPages = plan.kinds().getFirst().bytes() + plan.bytes(HeapPlan.Memory.HOST_ENTRIES);
    assertThat(pages).isBetween(saidPages * 9 / 10, saidPages + SLACK);
    long buffers = bind(cache) - bind(cache(options(dtype, false)));
    long saidBuffers = plan.kinds().getLast().bytes();
    long places = (long) ROWS * cache.layout().chosen() * Integer.BYTES;
    assertThat(buffers).isBetween(saidBuffers, saidBuffers + 8 * places + SLACK);
  }

  @Test
  void aDecodeStepWithMissesAllocatesNothing() {
    EngineOptions o =
        options(KvDtype.F32, true)
            .withHisparse(h -> h.withHisparseConfig(new HisparseConfig(0, 3)));
    KvCache cache = cache(o);
    PageTable table = cache.newTable();
    cache.reserve(table, 200);
    cache.takeBuffer(table);
    try (Team team = new Team(1)) {
      ModelRunner runner = new ModelRunner(loaded.model(), cache, team, 1, 1, true);
      Step step = new Step(1, 1, 1, new ScalarKernels());
      long least = Long.MAX_VALUE;
      for (int window = 0; window < 8; window++) {
        long misses = 0;
        long before = THREAD.getCurrentThreadAllocatedBytes();
        for (int slot = 0; slot < 200; slot++) {
          step.clear();
          step.tables[0] = table;
          step.add(slot * 7 % loaded.model().vocab(), slot, 0, true);
          runner.run(step);
          misses += step.hostReads().sum(Count.MISSES);
        }
        least = Math.min(least, THREAD.getCurrentThreadAllocatedBytes() - before);
        assertThat(misses).isPositive();
      }
      assertThat(least).as("bytes of 200 steps").isZero();
    }
  }
}
