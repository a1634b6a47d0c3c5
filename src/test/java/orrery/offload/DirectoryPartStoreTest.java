package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.offload.StoreFault.Kind;

class DirectoryPartStoreTest extends PartStoreContract {
  private static final long AMPLE = 1 << 20;
  private static final int ROWS = 40; // bytes

  @TempDir private Path temporary;
  private StoreOnDisk disk;

  @BeforeEach
  void directory() {
    disk = new StoreOnDisk(temporary.resolve("made").resolve("when needed"));
  }

  @Override
  PartStore store(long limit) {
    return disk.open(limit);
  }

  private DirectoryPartStore withPart() {
    DirectoryPartStore store = disk.open(AMPLE);
    assertThat(store.put(Parts.part(1), Parts.rows(1, ROWS))).isTrue();
    return store;
  }

  @Test
  void whatIsStoredOutlivesTheStore() {
    withPart().close();
    DirectoryPartStore next = disk.open(AMPLE);
    assertThat(next.bytes()).isEqualTo(PartFile.HEADER + ROWS).isEqualTo(disk.bytesOfParts());
    assertThat(Parts.has(next, 1, ROWS)).isTrue();
    assertThat(disk.told).isEmpty();
  }

  @Test
  void anotherStoreOfTheDirectorySeesAPartAtOnce() {
    DirectoryPartStore other = disk.open(AMPLE);
    withPart();
    assertThat(Parts.has(other, 1, ROWS)).isTrue();
  }

  /** Cut after every byte: a miss, which is told, and the broken file goes. */
  @Test
  void aFileThatIsCutAnywhereIsAMissAndIsRemoved() throws IOException {
    DirectoryPartStore store = withPart();
    byte[] whole = Files.readAllBytes(disk.file(1));
    assertThat(whole).hasSize(PartFile.HEADER + ROWS);
    for (int length = 0; length < whole.length; length++) {
      requireBroken(
          store,
          "cut to " + length,
          Arrays.copyOf(whole, length),
          whole.length + " bytes, found " + length);
    }
    byte[] longer = Arrays.copyOf(whole, whole.length + 1);
    requireBroken(store, "one byte more", longer, "found " + longer.length);
  }

  @Test
  void aFlippedBitAnywhereIsAMissAndTheFileIsRemoved() throws IOException {
    DirectoryPartStore store = withPart();
    byte[] whole = Files.readAllBytes(disk.file(1));
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      requireBroken(store, "bit " + bit + " flipped", flipped, "expected ");
    }
    requireBroken(store, "zeros", new byte[whole.length], "first bytes 0000000000000000");
  }

  private void requireBroken(PartStore store, String how, byte[] content, String told)
      throws IOException {
    Files.write(disk.file(1), content);
    assertThat(Parts.read(store, 1, ROWS)).as(how).isNull();
    assertThat(disk.takeTold())
        .as(how)
        .singleElement()
        .satisfies(fault -> assertThat(fault.kind()).isEqualTo(Kind.BROKEN))
        .satisfies(fault -> assertThat(fault.file()).isEqualTo(disk.file(1)))
        .satisfies(fault -> assertThat(fault.toString()).contains(told));
    assertThat(disk.files()).isEmpty();
  }

  @Test
  void theFaultSaysWhichFieldIsNotThatOfThePart() throws IOException {
    DirectoryPartStore store = withPart();
    store.put(Parts.part(4), Parts.rows(4, ROWS)); // of the same pool
    Files.move(disk.file(4), disk.file(1), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Parts.read(store, 1, ROWS)).isNull();
    assertThat(disk.takeTold().getFirst())
        .hasToString(
            disk.file(1)
                + ": expected key "
                + Parts.part(1).block()
                + ", found key "
                + Parts.part(4).block());
  }

  @Test
  void filesOfOthersAreNeverReadCountedOrDeleted() throws IOException {
    DirectoryPartStore store = disk.open(2000);
    String key = Parts.part(1).block().toString();
    List<String> names =
        List.of("notes.txt", key, key + ".0", key.substring(1) + ".0.kvpart", ".x.writing");
    for (String name : names) {
      Path file = Files.write(disk.directory.resolve(name), new byte[3000]);
      Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));
    }
    for (int i = 0; i < 50; i++) {
      assertThat(store.put(Parts.part(i), Parts.rows(i, 500))).isTrue();
    }
    disk.open(600);
    assertThat(names).allMatch(name -> disk.directory.resolve(name).toFile().length() == 3000);
    assertThat(disk.told).isEmpty();
  }

  @Test
  void aDirectoryOrALinkWithAPartsNameIsLeftAloneAndTold() throws IOException {
    DirectoryPartStore store = withPart();
    Files.createDirectory(disk.file(2));
    Files.createSymbolicLink(disk.file(3), disk.file(1));
    for (int number : new int[] {2, 3}) {
      assertThat(store.contains(Parts.part(number))).isFalse();
      assertThat(Parts.read(store, number, ROWS)).isNull();
      assertThat(store.put(Parts.part(number), Parts.rows(number, ROWS))).isFalse();
      assertThat(disk.takeTold()).hasSize(2).allMatch(fault -> fault.kind() == Kind.FOREIGN);
    }
    disk.open(PartFile.HEADER + 1); // evicts all that it may
    assertThat(disk.files()).containsExactlyInAnyOrder(disk.file(2), disk.file(3));
  }

  @Test
  void halfWrittenFilesGoWhenNobodyCanBeWritingThemAnyMore() throws IOException {
    disk.open(AMPLE);
    Path left = disk.directory.resolve(PartFile.writingName(Parts.part(1), "a-1", 7));
    Files.write(left, new byte[10]);
    disk.open(AMPLE);
    assertThat(disk.files()).containsExactly(left);
    disk.pass(Duration.ofMinutes(2));
    disk.open(AMPLE);
    assertThat(disk.files()).isEmpty();
  }

  @Test
  void aSmallerLimitHoldsFromTheStartOn() {
    DirectoryPartStore store = disk.open(AMPLE);
    for (int i = 0; i < 20; i++) {
      store.put(Parts.part(i), Parts.rows(i, 1000));
    }
    DirectoryPartStore smaller = disk.open(5 * (1000 + PartFile.HEADER));
    assertThat(smaller.bytes()).isEqualTo(disk.bytesOfParts());
    assertThat(IntStream.range(0, 20).filter(i -> Parts.has(smaller, i, 1000)))
        .containsExactly(15, 16, 17, 18, 19);
  }

  @Test
  void storesThatShareADirectoryKeepOneLimitAndOneOrderOfUse() {
    int rows = 1000;
    long limit = 16 * (rows + PartFile.HEADER);
    DirectoryPartStore a = disk.open(limit);
    DirectoryPartStore b = disk.open(limit);
    for (int i = 0; i < 16; i++) {
      (i % 2 == 0 ? a : b).put(Parts.part(i), Parts.rows(i, rows));
    }
    assertThat(Parts.has(b, 0, rows)).isTrue(); // a wrote it and b uses it
    for (int i = 16; i < 60; i++) {
      (i % 2 == 0 ? a : b).put(Parts.part(i), Parts.rows(i, rows));
      assertThat(Parts.has(b, 0, rows)).isTrue();
      assertThat(disk.bytesOfParts()).isBetween(10L * rows, limit);
    }
    assertThat(Parts.has(a, 1, rows)).isFalse();
    assertThat(disk.told).isEmpty();
  }

  @Test
  void aDamagedTotalIsCountedAnew() throws IOException {
    DirectoryPartStore store = withPart();
    Path usage = disk.directory.resolve(UsageFile.NAME);
    byte[] right = Files.readAllBytes(usage);
    for (int i = 0; i < right.length; i++) {
      byte[] wrong = right.clone();
      wrong[i] ^= 0x40;
      Files.write(usage, i % 2 == 0 ? wrong : Arrays.copyOf(right, i));
      assertThat(store.put(Parts.part(1), Parts.rows(1, ROWS))).isTrue();
      assertThat(store.bytes()).isEqualTo(disk.bytesOfParts());
    }
  }

  @Test
  void whenTheDirectoryVanishesAWriteIsToldAndAReadIsAMiss() throws IOException {
    DirectoryPartStore store = withPart();
    Path away = temporary.resolve("away");
    Files.move(disk.directory, away);
    assertThat(store.contains(Parts.part(1))).isFalse();
    assertThat(Parts.read(store, 1, ROWS)).isNull();
    assertThat(disk.takeTold()).isEmpty();
    assertThat(store.put(Parts.part(2), Parts.rows(2, ROWS))).isFalse();
    assertThat(disk.takeTold())
        .isNotEmpty()
        .allMatch(fault -> fault.kind() == Kind.REFUSED)
        .anyMatch(fault -> fault.toString().contains("NoSuchFile"));
    assertThat(disk.directory).doesNotExist(); // it may be a disk that is not mounted
    Files.move(away, disk.directory);
    assertThat(Parts.has(store, 1, ROWS)).isTrue();
    assertThat(store.put(Parts.part(2), Parts.rows(2, ROWS))).isTrue();
  }

  @Test
  void aLockThatIsNotGivenBackRefusesAWriteAndNotARead() throws IOException {
    withPart();
    var impatient =
        DirectoryPartStore.open(
            disk.directory, AMPLE, disk.told::add, new Disk(), disk.clock(), Duration.ofMillis(5));
    try (var holder = LockHolder.of(disk.directory.resolve(UsageFile.NAME))) {
      assertThat(holder.isHeld()).isTrue();
      assertThat(impatient.put(Parts.part(2), Parts.rows(2, ROWS))).isFalse();
      assertThat(disk.takeTold().getFirst().toString()).contains("held the lock").contains("5 ms");
      assertThat(Parts.has(impatient, 1, ROWS)).isTrue();
    }
    assertThat(impatient.put(Parts.part(2), Parts.rows(2, ROWS))).isTrue();
    assertThat(disk.files()).hasSize(2);
  }

  /** An interruption closes channels, so nothing may depend on one that stays open. */
  @Test
  void anInterruptedThreadCostsOneWriteAndNoMore() {
    DirectoryPartStore store = withPart();
    Thread.currentThread().interrupt();
    assertThat(store.put(Parts.part(2), Parts.rows(2, ROWS))).isFalse();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(disk.takeTold()).isNotEmpty();
    assertThat(store.put(Parts.part(2), Parts.rows(2, ROWS))).isTrue();
    assertThat(store.bytes()).isEqualTo(disk.bytesOfParts());
  }

  @Test
  void theDirectoryMayBeALink() throws IOException {
    withPart();
    Path link = Files.createSymbolicLink(temporary.resolve("link"), disk.directory);
    try (var store = DirectoryPartStore.open(link, AMPLE, disk.told::add)) {
      assertThat(Parts.has(store, 1, ROWS)).isTrue();
      assertThat(store.put(Parts.part(2), Parts.rows(2, ROWS))).isTrue();
    }
    assertThat(disk.files()).hasSize(2);
    assertThat(disk.told).isEmpty();
  }

  @Test
  void aDirectoryThatCannotBeUsedIsRefusedByName() throws IOException {
    Path file = Files.createFile(temporary.resolve("file"));
    for (Path bad : List.of(file, file.resolve("below"))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DirectoryPartStore.open(bad, AMPLE, disk.told::add))
          .withMessageStartingWith("hicache-storage-dir: expected a directory that can be written")
          .withMessageContaining("found " + bad + ": ");
    }
    Path taken = Files.createDirectories(temporary.resolve("taken"));
    Files.createDirectory(taken.resolve(UsageFile.NAME));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DirectoryPartStore.open(taken, AMPLE, disk.told::add))
        .withMessageContaining(UsageFile.NAME);
  }

  @Test
  void aLimitWithoutRoomForAPartIsRefusedByName() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> disk.open(PartFile.HEADER))
        .withMessage("hicache-storage-size: expected room for a part, found 64");
  }
}
