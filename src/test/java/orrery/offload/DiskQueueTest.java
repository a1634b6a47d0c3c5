package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the disk does and in which order, with the test as the disk's thread. */
class DiskQueueTest {
  private final MemoryPartStore store = new MemoryPartStore(1 << 20);
  private final HostPool host = HostSlots.pool(64);
  private int woken;
  private final DiskQueue queue = new DiskQueue(store, host, 4, () -> woken++);
  private final List<DiskJob> settled = new ArrayList<>();

  @AfterEach
  void free() {
    host.close();
  }

  private void settle() {
    queue.settled(settled::add);
  }

  private DiskWrite write(int number) {
    int slot = host.take(0);
    host.at(0, slot).copyFrom(HostSlots.rows(host, number));
    return new DiskWrite(HostSlots.part(number), slot);
  }

  private Prefetch prefetch(int... numbers) {
    int[] slots = IntStream.generate(() -> host.take(0)).limit(numbers.length).toArray();
    return new Prefetch(IntStream.of(numbers).mapToObj(HostSlots::part).toList(), slots);
  }

  private void stored(int... numbers) {
    for (int number : numbers) {
      store.put(HostSlots.part(number), HostSlots.rows(host, number));
    }
  }

  private void requireCame(Prefetch job, int came) {
    assertThat(job.came()).isEqualTo(came);
    for (int i = 0; i < came; i++) {
      var found = host.at(0, job.slots()[i]);
      assertThat(found.mismatch(HostSlots.rows(host, job.parts().get(i)))).isEqualTo(-1);
    }
  }

  @Test
  void aPartThatIsWrittenCanBeRead() {
    DiskWrite write = write(1);
    assertThat(queue.write(write)).isTrue();
    assertThat(queue.runNext()).isTrue();
    Prefetch read = prefetch(1);
    assertThat(queue.read(read)).isTrue();
    assertThat(queue.runNext()).isTrue();
    assertThat(queue.runNext()).isFalse();
    assertThat(woken).isEqualTo(2);
    settle();
    assertThat(settled).containsExactly(write, read);
    assertThat(write.stored()).isTrue();
    requireCame(read, 1);
    for (DiskJob job : settled) {
      assertThat(job.state()).isEqualTo(DiskJob.State.DONE);
      assertThat(job.bytes()).isEqualTo(host.layout().bytes(0));
      assertThat(job.ended() - job.began()).isNotNegative();
    }
  }

  @Test
  void readsGoBeforeWritesAndEachInOrder() {
    stored(1, 2, 3);
    List<DiskJob> asked = List.of(write(7), write(8), prefetch(1, 2), prefetch(3));
    for (DiskJob job : asked) {
      assertThat(job instanceof DiskWrite w ? queue.write(w) : queue.read((Prefetch) job)).isTrue();
    }
    while (queue.runNext()) {
      settle();
    }
    assertThat(settled).containsExactly(asked.get(2), asked.get(3), asked.get(0), asked.get(1));
  }

  private static DiskLookup lookup(int... numbers) {
    return new DiskLookup(
        IntStream.of(numbers)
            .mapToObj(n -> new DiskLookup.Wanted(HostSlots.part(n), n % 2 == 1))
            .toList());
  }

  @Test
  void lookUpsGoBeforeReadsAndUsesBeforeWrites() {
    stored(1, 3);
    DiskWrite write = write(7);
    DiskUse use = new DiskUse(List.of(HostSlots.part(1)));
    Prefetch read = prefetch(1, 3);
    queue.write(write);
    assertThat(queue.use(use)).isTrue();
    queue.read(read);
    queue.runNext(); // the first part of the read
    DiskLookup lookup = lookup(1, 3);
    assertThat(queue.look(lookup)).isTrue();
    while (queue.runNext()) {
      settle();
    }
    assertThat(settled).containsExactly(lookup, read, use, write);
  }

  @Test
  void aLookUpEndsAtTheFirstPartThatIsNeededAndNotThere() {
    stored(1, 2, 5, 7);
    DiskLookup lookup = lookup(1, 2, 4, 5, 3, 7);
    queue.look(lookup);
    while (queue.runNext()) {}
    assertThat(lookup.found())
        .containsExactlyInAnyOrder(HostSlots.part(1), HostSlots.part(2), HostSlots.part(5));
    assertThat(lookup.state()).isEqualTo(DiskJob.State.DONE);
    DiskLookup none = lookup();
    queue.look(none);
    queue.runNext();
    assertThat(none.found()).isEmpty();
    assertThat(none.state()).isEqualTo(DiskJob.State.DONE);
  }

  @Test
  void aUseTellsWhichPartsAreNotThere() {
    stored(1, 3);
    DiskUse use = new DiskUse(IntStream.range(0, 5).mapToObj(HostSlots::part).toList());
    queue.use(use);
    while (queue.runNext()) {}
    assertThat(use.missing())
        .containsExactly(HostSlots.part(0), HostSlots.part(2), HostSlots.part(4));
    assertThatIllegalArgumentException().isThrownBy(() -> new DiskUse(List.of()));
  }

  @Test
  void aReadThatComesBetweenTwoWritesIsNext() {
    stored(1);
    queue.write(write(7));
    queue.write(write(8));
    queue.runNext();
    Prefetch read = prefetch(1);
    queue.read(read);
    queue.runNext();
    assertThat(read.state()).isEqualTo(DiskJob.State.DONE);
    assertThat(queue.pending()).isEqualTo(1);
  }

  @Test
  void aPrefetchEndsAtTheFirstPartThatIsNotThere() {
    stored(1, 2, 4);
    Prefetch read = prefetch(1, 2, 3, 4);
    queue.read(read);
    for (int came = 1; came <= 2; came++) {
      queue.runNext();
      requireCame(read, came);
      assertThat(read.state()).isEqualTo(DiskJob.State.RUNNING);
    }
    queue.runNext();
    settle();
    assertThat(settled).containsExactly(read);
    requireCame(read, 2);
    assertThat(read.state()).isEqualTo(DiskJob.State.DONE);
    assertThat(read.bytes()).isEqualTo(2L * host.layout().bytes(0));
  }

  @Test
  void aPrefetchThatIsCancelledKeepsWhatCame() {
    stored(1, 2, 3);
    Prefetch read = prefetch(1, 2, 3);
    queue.read(read);
    queue.runNext();
    queue.cancel(read);
    assertThat(read.state().ended()).as("the disk may be reading into its slots").isFalse();
    queue.runNext();
    settle();
    assertThat(settled).containsExactly(read);
    assertThat(read.state()).isEqualTo(DiskJob.State.CANCELLED);
    requireCame(read, 1);
  }

  @Test
  void whatIsCancelledWhileItWaitsNeverBeginsAndIsHandedBack() {
    stored(1);
    Prefetch read = prefetch(1);
    DiskWrite write = write(2);
    queue.read(read);
    queue.write(write);
    queue.cancel(read);
    queue.cancel(write);
    queue.cancel(write);
    assertThat(queue.runNext()).isFalse();
    settle();
    assertThat(settled).containsExactly(read, write);
    assertThat(settled).allMatch(job -> job.state() == DiskJob.State.CANCELLED);
    assertThat(settled).allMatch(job -> job.began() == 0 && job.bytes() == 0);
    assertThat(store.contains(write.part())).isFalse();
  }

  @Test
  void tooManyJobsOfAKindAreRefused() {
    for (int i = 0; i < 4; i++) {
      assertThat(queue.write(write(i))).isTrue();
      assertThat(queue.read(prefetch(i))).isTrue();
    }
    assertThat(queue.write(write(4))).isFalse();
    assertThat(queue.read(prefetch(4))).isFalse();
    queue.runNext();
    assertThat(queue.write(write(4))).isFalse();
    assertThat(queue.read(prefetch(4))).isTrue();
    assertThat(queue.pending()).isEqualTo(8);
  }

  @Test
  void aWriteThatTheStoreRefusesIsDoneAndNotStored() {
    var queue = new DiskQueue(new MemoryPartStore(10), host, 4, () -> {});
    DiskWrite write = write(1);
    queue.write(write);
    queue.runNext();
    assertThat(write.state()).isEqualTo(DiskJob.State.DONE);
    assertThat(write.stored()).isFalse();
    assertThat(write.bytes()).isZero();
  }

  @Test
  void aBugOfAStoreEndsThatJobAloneAndIsNotLost() {
    DiskWrite broken = new DiskWrite(HostSlots.part(1), 1 << 20); // no such slot
    DiskWrite good = write(2);
    queue.write(broken);
    queue.write(good);
    queue.runNext();
    queue.runNext();
    settle();
    assertThat(settled).containsExactly(broken, good);
    assertThat(broken.state()).isEqualTo(DiskJob.State.FAILED);
    assertThat(broken.bug()).containsInstanceOf(IndexOutOfBoundsException.class);
    assertThat(good.stored()).isTrue();
  }

  @Test
  void aPrefetchWithoutASlotForEachPartIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Prefetch(List.of(HostSlots.part(1)), new int[] {1, 2}))
        .withMessage("prefetch: expected a slot for each of at least one part, found 2 for 1");
    assertThatIllegalArgumentException().isThrownBy(() -> new Prefetch(List.of(), new int[0]));
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  /** Any order of the two threads' doings: each job comes back once, and its rows are right. */
  @ParameterizedTest
  @MethodSource("seeds")
  void everyJobThatWasTakenComesBackOnceWhateverTheOrder(int seed) {
    Random random = new Random(seed);
    List<DiskJob> taken = new ArrayList<>();
    Set<DiskJob> cancelled = new HashSet<>();
    for (int i = 0; i < 120; i++) {
      switch (random.nextInt(5)) {
        case 0 -> {
          if (host.available(0) > 0) {
            DiskWrite write = write(random.nextInt(8));
            keepOrGive(taken, write, queue.write(write), write.slot());
          }
        }
        case 1 -> {
          int n = 1 + random.nextInt(4);
          if (host.available(0) >= n) {
            Prefetch read = prefetch(random.ints(n, 0, 8).toArray());
            keepOrGive(taken, read, queue.read(read), read.slots());
          }
        }
        case 2 -> {
          if (!taken.isEmpty()) {
            DiskJob job = taken.get(random.nextInt(taken.size()));
            cancelled.add(job);
            queue.cancel(job);
          }
        }
        case 3 -> queue.runNext();
        default -> giveBack();
      }
    }
    while (queue.runNext()) {
      // until nothing waits
    }
    giveBack();
    assertThat(settled).containsExactlyInAnyOrderElementsOf(taken);
    assertThat(host.available(0)).isEqualTo(host.total(0));
    assertThat(settled)
        .allMatch(job -> job.state() != DiskJob.State.CANCELLED || cancelled.contains(job));
    assertThat(settled).noneMatch(job -> job.state() == DiskJob.State.FAILED);
  }

  private void keepOrGive(List<DiskJob> taken, DiskJob job, boolean isTaken, int... slots) {
    if (isTaken) {
      taken.add(job);
    } else {
      IntStream.of(slots).forEach(slot -> host.give(0, slot));
    }
  }

  /** As the engine does: looks at what came, then the slots are free. */
  private void giveBack() {
    queue.settled(
        job -> {
          settled.add(job);
          assertThat(job.state().ended()).isTrue();
          if (job instanceof Prefetch read) {
            requireCame(read, read.came());
            IntStream.of(read.slots()).forEach(slot -> host.give(0, slot));
          } else {
            host.give(0, ((DiskWrite) job).slot());
          }
        });
  }
}
