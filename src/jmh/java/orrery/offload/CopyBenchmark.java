package orrery.offload;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * Copies of parts between pages and host slots, against one plain copy of as many bytes: what a
 * piece for each page and stream costs. The column {@code bytes} is in bytes a nanosecond, which
 * are GB a second. The sizes are those of storyteller-moe: keys and values of 64 floats in six
 * layers. A few blocks stay in the processor's caches, many do not.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="offload.CopyBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class CopyBenchmark {
  private static final int LAYERS = 6;
  private static final int WIDTH = 64;
  private static final int HEAD = 32; // columns that share a scale
  private static final int PAGE = 16;

  @Param({"F32", "BF16", "FP8"})
  public KvDtype dtype;

  /** Blocks that are copied in turn: 16 are 0.4 to 0.1 MB, 4096 are 100 to 26 MB. */
  @Param({"16", "4096"})
  public int blocks;

  private HostPool host;
  private PageCopier copier;
  private Copy[] stores; // [blocks]
  private Copy[] loads; // [blocks]
  private MemorySegment plain; // as many bytes as all parts
  private int partBytes;
  private int next; // block

  /** Bytes that were copied. */
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  @State(Scope.Thread)
  public static class Moved {
    public long bytes;
  }

  @Setup(Level.Trial)
  public void setUp() {
    List<Stream> streams = new ArrayList<>();
    for (int layer = 0; layer < LAYERS; layer++) {
      streams.add(Stream.whole("layers." + layer + ".key", WIDTH, dtype.format(HEAD, 0)));
      streams.add(Stream.whole("layers." + layer + ".value", WIDTH, dtype.format(HEAD, 0)));
    }
    KvCache cache = new KvCache(new KvLayout(streams), PAGE, blocks * PAGE, blocks);
    PageTable table = cache.newTable();
    cache.reserve(table, blocks * PAGE);
    host = new HostPool(new PartLayout(cache.layout(), cache.geometry()), new int[] {blocks});
    copier = new PageCopier(cache, host);
    partBytes = host.layout().bytes(0);
    plain = MemorySegment.ofArray(new float[blocks * partBytes / Float.BYTES]);
    stores = new Copy[blocks];
    loads = new Copy[blocks];
    for (int block = 0; block < blocks; block++) {
      Part part = new Part(new BlockKey(block, 0, 0, 0), 0);
      int[] pages = {table.pages(0)[61 * block % blocks]}; // scattered
      stores[block] = new Copy(Copy.Way.STORE, part, block, pages);
      loads[block] = new Copy(Copy.Way.LOAD, part, block, pages);
    }
  }

  @TearDown
  public void tearDown() {
    host.close();
  }

  private int block(Moved moved) {
    moved.bytes += partBytes;
    next = next + 1 == blocks ? 0 : next + 1;
    return next;
  }

  private void copy(Copy copy) {
    for (int stream : copier.streams(copy)) {
      copier.copy(copy, stream);
    }
  }

  /** From pages into a host slot. */
  @Benchmark
  public void store(Moved moved) {
    copy(stores[block(moved)]);
  }

  /** From a host slot into pages. */
  @Benchmark
  public void load(Moved moved) {
    copy(loads[block(moved)]);
  }

  /** The same bytes at once, from an array into host memory. */
  @Benchmark
  public void plainCopy(Moved moved) {
    int block = block(moved);
    MemorySegment.copy(plain, (long) block * partBytes, host.at(0, block), 0, partBytes);
  }
}
