package orrery.offload;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a part costs on the disk: to store it, when the limit is far and when old parts must go for
 * it, to read it from the pages that the system keeps, to find that it is not there, and to start
 * with a directory of parts.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="PartStoreBenchmark -p bytes=12288"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class PartStoreBenchmark {
  private static final int PARTS = 1000;

  /** Rows of a part: a block of a small model, and of a larger one. */
  @Param({"12288", "204800"})
  public int bytes;

  private Path directory;
  private DirectoryPartStore ample;
  private DirectoryPartStore full;
  private Part[] parts; // [PARTS]
  private MemorySegment rows;
  private int next;
  private BlockKey unused;

  @Setup
  public void setUp() throws IOException {
    directory = Files.createTempDirectory("orrery-store");
    ample = open("ample", Long.MAX_VALUE);
    full = open("full", (long) PARTS * (bytes + PartFile.HEADER));
    rows = Arena.ofAuto().allocate(bytes);
    parts = new Part[PARTS];
    BlockKey key = BlockKey.root("benchmark", "");
    for (int i = 0; i < PARTS; i++) {
      rows.set(ValueLayout.JAVA_INT, 0, i);
      parts[i] = new Part(key = key.next(new int[] {i}, 0, 1), 0);
      ample.put(parts[i], rows);
      full.put(parts[i], rows);
    }
    unused = key;
  }

  private DirectoryPartStore open(String name, long limit) {
    return DirectoryPartStore.open(
        directory.resolve(name),
        limit,
        fault -> {
          throw new IllegalStateException(fault.toString());
        });
  }

  @TearDown
  public void tearDown() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.toList().reversed()) {
        Files.delete(file);
      }
    }
  }

  private Part part() {
    return parts[next++ % PARTS];
  }

  /** In the place of a file with the same name. */
  @Benchmark
  public boolean put() {
    return ample.put(part(), rows);
  }

  /** A new part, with all evictions that it makes necessary. */
  @Benchmark
  public boolean putWhenFull() {
    unused = unused.next(new int[] {1}, 0, 1);
    return full.put(new Part(unused, 0), rows);
  }

  @Benchmark
  public boolean get() {
    return ample.get(part(), rows);
  }

  @Benchmark
  public boolean contains() {
    return ample.contains(part());
  }

  /** A miss. */
  @Benchmark
  public boolean getNothing() {
    return ample.get(new Part(part().block(), 1), rows);
  }

  /** A start, with {@value #PARTS} parts in the directory. */
  @Benchmark
  public long open() {
    return open("ample", Long.MAX_VALUE).bytes();
  }

  /** What the checksum is of all that. */
  @Benchmark
  public ByteBuffer checksum() {
    return PartFile.header(parts[0], rows);
  }
}
