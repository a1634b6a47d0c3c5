package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.Random;
import java.util.SequencedSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk that fails, and processes that die, at every moment. */
class StoreFaultsTest {
  private static final int ROWS = 30; // bytes
  private static final int FILE = PartFile.HEADER + ROWS;

  @TempDir private Path temporary;

  /** Every operation may fail; nothing throws, nothing wrong is read, and every failure is told. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void aDiskThatFailsNowAndThenNeverGivesAWrongByte(long seed) {
    StoreOnDisk disk = new StoreOnDisk(temporary);
    disk.open(12 * FILE);
    Random random = new Random(seed);
    double often = 0.02 * seed;
    boolean[] works = {true};
    var faulty =
        new FaultyDisk(
            (operation, name) -> {
              if (!works[0] && random.nextDouble() < often) {
                if (name.equals("write")) {
                  return random.nextInt(FILE);
                }
                throw new IOException("injected into " + name);
              }
              return FaultyDisk.ALL;
            });
    DirectoryPartStore store = disk.open(12 * FILE, faulty);
    BitSet stored = new BitSet();
    works[0] = false;
    int failures = 0;
    for (int i = 0; i < 400; i++) {
      int number = random.nextInt(20);
      disk.takeTold();
      if (random.nextBoolean()) {
        boolean put = store.put(Parts.part(number), Parts.rows(number, ROWS));
        assertThat(put || !disk.told.isEmpty()).as("a refusal is told").isTrue();
        stored.set(number, put || stored.get(number));
        failures += put ? 0 : 1;
      } else {
        boolean hit = Parts.has(store, number, ROWS);
        assertThat(hit && !stored.get(number)).as("found what was never stored").isFalse();
      }
      assertThat(disk.bytesOfParts()).isLessThanOrEqualTo(12 * FILE);
    }
    assertThat(failures).isPositive();
    requireSound(disk);
  }

  /** After any story, a fresh start counts right and finds every file whole. */
  private static void requireSound(StoreOnDisk disk) {
    disk.pass(Duration.ofMinutes(5));
    disk.takeTold();
    DirectoryPartStore fresh = disk.open(12 * FILE);
    assertThat(fresh.bytes()).isEqualTo(disk.bytesOfParts());
    for (int number = 0; number < 20; number++) {
      assertThat(Parts.has(fresh, number, ROWS)).isEqualTo(disk.file(number).toFile().exists());
    }
    assertThat(disk.files()).allMatch(f -> PartFile.isName(f.getFileName().toString()));
    assertThat(disk.told).isEmpty();
  }

  /** A story with new parts, a part again, and evictions. */
  private static void story(PartStore store, SequencedSet<Integer> stored) {
    for (int number : new int[] {0, 1, 2, 1, 3, 4, 5, 6}) {
      if (store.put(Parts.part(number), Parts.rows(number, ROWS))) {
        stored.addLast(number); // again at the end, if it is in it
      }
    }
  }

  @Test
  void aProcessThatIsKilledBeforeAnyOperationLosesAtMostWhatItDid() throws IOException {
    int operations = storyKilledAt(Integer.MAX_VALUE, "whole");
    assertThat(operations).isGreaterThan(40);
    for (int at = 0; at < operations; at++) {
      storyKilledAt(at, "operation " + at);
    }
  }

  @Test
  void aProcessThatIsKilledAfterAnyByteLeavesAWholePartOrNone() throws IOException {
    for (int bytes = 0; bytes <= FILE; bytes++) {
      StoreOnDisk disk = new StoreOnDisk(temporary.resolve("byte " + bytes));
      int most = bytes;
      var killing =
          new FaultyDisk(
              (operation, name) -> {
                if (name.equals("used")) {
                  throw new FaultyDisk.Killed();
                }
                return name.equals("write") ? most : FaultyDisk.ALL;
              });
      DirectoryPartStore store = disk.open(12 * FILE, killing);
      try {
        store.put(Parts.part(1), Parts.rows(1, ROWS));
      } catch (FaultyDisk.Killed e) {
        assertThat(bytes).isEqualTo(FILE);
      }
      requireSound(disk);
    }
  }

  /** Returns the number of operations. */
  private int storyKilledAt(int at, String name) {
    StoreOnDisk disk = new StoreOnDisk(temporary.resolve(name));
    boolean[] armed = {false};
    int[] opening = {0};
    var killing =
        new FaultyDisk(
            (operation, what) -> {
              if (armed[0] && operation - opening[0] == at) {
                throw new FaultyDisk.Killed();
              }
              return FaultyDisk.ALL;
            });
    DirectoryPartStore store = disk.open(5 * FILE, killing);
    opening[0] = killing.operations();
    armed[0] = true;
    SequencedSet<Integer> stored = new LinkedHashSet<>();
    boolean killed = false;
    try {
      story(store, stored);
    } catch (FaultyDisk.Killed e) {
      killed = true;
    }
    assertThat(killed).isEqualTo(at != Integer.MAX_VALUE);
    requireKept(disk, stored);
    return killing.operations() - opening[0];
  }

  /** What was reported as stored is there; an eviction may take all but the three newest. */
  private static void requireKept(StoreOnDisk disk, SequencedSet<Integer> stored) {
    assertThat(disk.bytesOfParts()).isLessThanOrEqualTo(5 * FILE);
    requireSound(disk);
    DirectoryPartStore next = disk.open(5 * FILE);
    stored.reversed().stream()
        .limit(3)
        .forEach(number -> assertThat(Parts.has(next, number, ROWS)).as("part " + number).isTrue());
  }
}
