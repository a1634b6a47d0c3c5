package orrery.disagg;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
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
import orrery.engine.KvPages;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * Pages from the cache of one engine into that of another: over a loopback socket, and within one
 * thread. The column {@code bytes} is in bytes a microsecond, which are MB a second.
 *
 * <pre>
 *   socket       cache → PAGE frame → loopback socket → PAGE frame → cache   two threads
 *   memory       cache → PAGE frame → bytes in memory → PAGE frame → cache   one thread
 *
 *   rawSocket    as many bytes through a loopback socket: the ceiling of socket
 *   plainCopy    as many bytes copied once: the ceiling of memory
 *   checksum     as many bytes through CRC-32C, which each frame needs on both sides
 * </pre>
 *
 * <p>The pages are those of storyteller-moe: keys and values of 64 floats in six layers, 16 tokens.
 * A prompt of 1,000 tokens has 63. So few pages stay in the processor's caches; many do not.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="TransferBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class TransferBenchmark {
  private static final int LAYERS = 6;
  private static final int WIDTH = 64;
  private static final int HEAD = 32; // columns that share a scale
  private static final int PAGE = 16; // tokens
  private static final long ROOM = 7;

  @Param({"F32", "FP8"})
  public KvDtype dtype;

  /** Pages that are sent in turn: 63 have 3.1 MB as float32, 2048 have 101 MB. */
  @Param({"63", "2048"})
  public int pages;

  private KvPages from;
  private KvPages to;
  private MemorySegment plain; // [pages][bytes of a page] as they were copied out
  private MemorySegment copy; // the same
  private byte[] page; // bytes of one page
  private LoopbackPages frames;
  private LoopbackBytes bytes;
  private ChannelTransfer memory;
  private PageFrame arriving; // this round of the pages
  private int next; // page

  /** Bytes of rows that were moved. */
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  @State(Scope.Thread)
  public static class Moved {
    public long bytes;
  }

  @Setup(Level.Trial)
  public void setUp() {
    from = pages();
    to = pages();
    page = new byte[from.bytes(0)];
    plain = MemorySegment.ofArray(new float[pages * page.length / Float.BYTES]);
    copy = MemorySegment.ofArray(new float[pages * page.length / Float.BYTES]);
  }

  /** The pages of one sequence in a cache of its own, with rows in it. */
  private KvPages pages() {
    List<Stream> streams = new ArrayList<>();
    for (int layer = 0; layer < LAYERS; layer++) {
      streams.add(Stream.whole("layers." + layer + ".key", WIDTH, dtype.format(HEAD, 0)));
      streams.add(Stream.whole("layers." + layer + ".value", WIDTH, dtype.format(HEAD, 0)));
    }
    KvCache cache = new KvCache(new KvLayout(streams), PAGE, pages * PAGE, pages);
    PageTable table = cache.newTable();
    cache.reserve(table, pages * PAGE);
    return new KvPages(cache, table, new int[1]);
  }

  /** Each iteration has connections of its own, and each must end with all bytes there. */
  @Setup(Level.Iteration)
  public void connect() throws IOException {
    frames = new LoopbackPages(to);
    bytes = new LoopbackBytes(page.length);
    memory = new ChannelTransfer(new MemoryChannel(page.length));
    arriving = new PageFrame(to);
    next = 0;
  }

  @TearDown(Level.Iteration)
  public void disconnect() throws Exception {
    frames.finish();
    bytes.finish();
  }

  private int index(Moved moved) {
    moved.bytes += page.length;
    next = next + 1 == pages ? 0 : next + 1;
    return next;
  }

  @Benchmark
  public void socket(Moved moved) throws IOException {
    frames.send(PageFrame.encode(ROOM, from, 0, index(moved)));
  }

  @Benchmark
  public void memory(Moved moved) throws IOException {
    int index = index(moved);
    memory.send(PageFrame.encode(ROOM, from, 0, index));
    arriving = index == 0 ? new PageFrame(to) : arriving; // a page may come once
    arriving.decode(memory.receive(Frame.Type.PAGE));
  }

  @Benchmark
  public void rawSocket(Moved moved) throws IOException {
    index(moved);
    bytes.send();
  }

  @Benchmark
  public void plainCopy(Moved moved) {
    long at = (long) index(moved) * page.length;
    MemorySegment.copy(plain, at, copy, at, page.length);
  }

  @Benchmark
  public long checksum(Moved moved) {
    index(moved);
    CRC32C crc = new CRC32C();
    crc.update(page);
    return crc.getValue();
  }
}
