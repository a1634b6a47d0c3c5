package orrery.prefix;

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
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * One block in and one block out of a full prefix cache, and a look-up that finds nothing. The
 * number of blocks must hardly count.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="EvictBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EvictBenchmark {
  private static final int P = 16;
  private static final KvLayout LAYOUT =
      new KvLayout(List.of(Stream.whole("key", 1), new Stream("latent", 1, 1, 8, 7)));

  @Param({"1000", "100000"})
  public int blocks;

  @Param({"radix", "hash"})
  public String kind;

  /** Which pool is full. In the second, a window's, blocks stay when a page goes. */
  @Param({"0", "1"})
  public int pool;

  private KvCache kv;
  private PrefixCache cache;
  private final int[] tokens = new int[P + 1]; // [P + 1] of the next sequence
  private int next;

  @Setup
  public void setUp() {
    int[] pages = {pool == 0 ? blocks : 4 * blocks, pool == 1 ? 2 * blocks : 8 * blocks};
    kv = new KvCache(LAYOUT, new KvGeometry(LAYOUT, P), 2 * P, pages);
    cache =
        kind.equals("radix") ? new RadixCache(kv, RadixCache.Eviction.LRU) : new HashBlockCache(kv);
    for (int i = 0; i < blocks; i++) {
      oneInOneOut();
    }
  }

  @Benchmark
  public void oneInOneOut() {
    tokens[0] = next++;
    PageTable table = kv.newTable();
    PrefixCache.Lease lease = cache.acquire(tokens, P, "", table).lease();
    for (int p = 0; p < 2; p++) {
      int missing = kv.geometry().pages(p, P) - kv.pool(p).available();
      if (missing > 0) {
        cache.evict(p, missing);
      }
    }
    kv.reserve(table, P);
    cache.insert(lease, tokens, P, table);
    kv.release(table);
    cache.release(lease);
  }

  @Benchmark
  public int missed() {
    tokens[0] = -1;
    return cache.match(tokens, P, "").tokens();
  }
}
