package orrery.kv;

import java.util.ArrayList;
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

/**
 * Taking a page and releasing it, in a cache with the streams of a small and of a large model. The
 * number of streams must not count, except with assertions on (the page is filled with NaN).
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="ReleasePageBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ReleasePageBenchmark {
  @Param({"27", "160"})
  public int streams;

  private KvCache kv;
  private PageTable table;

  @Setup
  public void setUp() {
    List<Stream> all = new ArrayList<>();
    for (int s = 0; s < streams; s++) {
      all.add(
          s % 2 == 0 ? Stream.whole("key " + s, 64) : new Stream("latent " + s, 64, 1, 128, 127));
    }
    kv = new KvCache(new KvLayout(all), 256, 256, 4);
    table = kv.newTable();
  }

  /** One page of the pool that keeps all, two of the window. */
  @Benchmark
  public void takeAndRelease() {
    kv.reserve(table, 256);
    kv.release(table);
  }
}
