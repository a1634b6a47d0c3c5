package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes that share a directory are killed with signal 9 while they write. */
class KillTest {
  private static final int ROUNDS = 100; // with two processes each
  private static final int LONGEST = 12_288; // bytes of a part
  private static final int FEW = 40 * LONGEST;
  private static final long ENOUGH = 1L << 30;

  @TempDir private Path temporary;

  /** Writes parts from a number on, and says of each when it is stored. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) {
      int from = Integer.parseInt(arguments[1]);
      long limit = Long.parseLong(arguments[2]);
      var store = // the other writer may hold the lock while the machine does not let it go on
          DirectoryPartStore.open(
              Path.of(arguments[0]),
              limit,
              Writer::stop,
              new Disk(),
              InstantSource.system(),
              Duration.ofMinutes(2));
      for (int number = from; ; number++) {
        if (!store.put(Parts.part(number), Parts.rows(number, length(number)))) {
          throw new IllegalStateException("part " + number + " was not stored");
        }
        System.out.println(number);
      }
    }

    private static void stop(StoreFault fault) {
      System.out.println("fault: " + fault);
      Runtime.getRuntime().halt(1);
    }
  }

  private static int length(int number) {
    return number % 4 == 0 ? LONGEST : 1 + number * 37 % 700;
  }

  @Test
  void noKillLeavesAWrongByteOrTakesAPartThatWasReportedAsStored() throws IOException {
    Random random = new Random(20);
    int stored = 0;
    int kept = 0;
    for (int round = 0; round < ROUNDS; round++) {
      boolean evicts = round % 2 == 1;
      long limit = evicts ? FEW : ENOUGH;
      StoreOnDisk disk = new StoreOnDisk(temporary.resolve("round " + round / 20 + evicts));
      int from = round * 100_000;
      List<Integer> said = new ArrayList<>();
      try (var one = writer(disk, from, limit);
          var two = writer(disk, from + 50_000, limit)) {
        said.add(number(one.out().readLine()));
        said.add(number(two.out().readLine()));
        readWhileTheyWrite(disk, limit, said, random);
        one.kill();
        LockSupport.parkNanos(random.nextInt(3_000_000));
        two.kill();
        rest(one.out(), said);
        rest(two.out(), said);
      }
      assertThat(disk.bytesOfParts()).as("before a start evicts").isLessThanOrEqualTo(limit);
      DirectoryPartStore store = disk.open(limit);
      assertThat(store.bytes()).isEqualTo(disk.bytesOfParts());
      long there = said.stream().filter(n -> Parts.has(store, n, length(n))).count();
      stored += evicts ? 0 : said.size();
      kept += evicts ? 0 : (int) there;
      assertThat(there).isPositive();
      assertThat(disk.told).isEmpty();
    }
    assertThat(stored).isGreaterThan(10 * ROUNDS);
    assertThat(kept).isEqualTo(stored);
  }

  private static ChildJvm writer(StoreOnDisk disk, int from, long limit) throws IOException {
    return ChildJvm.start(
        Writer.class, disk.directory.toString(), Integer.toString(from), Long.toString(limit));
  }

  /** For a random time. */
  private static void readWhileTheyWrite(
      StoreOnDisk disk, long limit, List<Integer> said, Random random) {
    DirectoryPartStore reader = disk.open(limit);
    long until = System.nanoTime() + random.nextInt(40_000_000);
    while (System.nanoTime() < until) {
      int number = said.get(random.nextInt(2)) + random.nextInt(30);
      Parts.has(reader, number, length(number));
    }
  }

  private static int number(String line) {
    assertThat(line).as("what a writer says").matches("[0-9]+");
    return Integer.parseInt(line);
  }

  /** The parts that a killed process has named; its last line may be cut. */
  private static void rest(BufferedReader out, List<Integer> said) throws IOException {
    String line = out.readLine();
    for (String next; line != null; line = next) {
      next = out.readLine();
      if (next != null) {
        said.add(number(line));
      }
    }
  }
}
