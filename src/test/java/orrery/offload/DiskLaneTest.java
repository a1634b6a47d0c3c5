package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The real thread. */
@Timeout(600)
class DiskLaneTest {
  private static final String THREAD = "orrery-disk";

  private final HostPool host = HostSlots.pool(16);
  private final Semaphore go = new Semaphore(0); // operations that the store may do
  private final LinkedBlockingQueue<String> begun = new LinkedBlockingQueue<>(); // by thread
  private final Semaphore woken = new Semaphore(0);
  private final List<DiskJob> settled = new ArrayList<>();

  @AfterEach
  void free() {
    host.close();
  }

  /** A slow disk: each operation begins, and waits until the test lets it go on. */
  private final class Slow implements PartStore {
    private final PartStore store = new MemoryPartStore(1 << 20);

    private void await() {
      begun.add(Thread.currentThread().getName());
      go.acquireUninterruptibly();
    }

    @Override
    public boolean contains(Part part) {
      return store.contains(part);
    }

    @Override
    public boolean used(Part part) {
      return store.used(part);
    }

    @Override
    public boolean get(Part part, MemorySegment into) {
      await();
      return store.get(part, into);
    }

    @Override
    public boolean put(Part part, MemorySegment bytes) {
      await();
      return store.put(part, bytes);
    }

    @Override
    public long bytes() {
      return store.bytes();
    }

    @Override
    public void close() {
      store.close();
    }
  }

  private final PartStore store = new Slow();
  private final DiskQueue queue = new DiskQueue(store, host, 8, woken::release);

  private DiskWrite write(int number) {
    int slot = host.take(0);
    host.at(0, slot).copyFrom(HostSlots.rows(host, number));
    return new DiskWrite(HostSlots.part(number), slot);
  }

  private Prefetch prefetch(int... numbers) {
    List<Part> parts = new ArrayList<>();
    int[] slots = new int[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      parts.add(HostSlots.part(numbers[i]));
      slots[i] = host.take(0);
    }
    return new Prefetch(parts, slots);
  }

  private void awaitMessage() throws InterruptedException {
    assertThat(woken.tryAcquire(3, TimeUnit.MINUTES)).isTrue();
    queue.settled(settled::add);
  }

  @Test
  void theLaneWritesAndReadsOnAThreadOfItsOwnAndWakesTheEngine() throws InterruptedException {
    go.release(3);
    try (var _ = new DiskLane(queue)) {
      DiskWrite one = write(1);
      queue.write(one);
      awaitMessage();
      DiskWrite two = write(2);
      queue.write(two);
      awaitMessage();
      Prefetch read = prefetch(2);
      queue.read(read);
      awaitMessage();
      assertThat(settled).containsExactly(one, two, read);
      assertThat(read.came()).isEqualTo(1);
      assertThat(host.at(0, read.slots()[0]).mismatch(HostSlots.rows(host, 2))).isEqualTo(-1);
    }
    assertThat(begun).containsExactly(THREAD, THREAD, THREAD);
  }

  @Test
  void aCancelDoesNotWaitForTheDiskAndTheSlotsStayUntilTheMessage() throws InterruptedException {
    try (var _ = new DiskLane(queue)) {
      Prefetch read = prefetch(1, 2);
      queue.read(read);
      assertThat(begun.take()).isEqualTo(THREAD);
      queue.cancel(read); // the disk has not let go of the first part
      queue.settled(settled::add);
      assertThat(settled).isEmpty();
      assertThat(read.state()).isEqualTo(DiskJob.State.RUNNING);
      go.release();
      awaitMessage();
      assertThat(settled).containsExactly(read);
      assertThat(begun).isEmpty();
    }
  }

  @Test
  void closeMakesTheWritesThatWaitAndEndsTheReads() throws InterruptedException {
    var lane = new DiskLane(queue);
    queue.write(write(1));
    begun.take();
    List<DiskWrite> waiting = List.of(write(2), write(3));
    waiting.forEach(queue::write);
    Prefetch read = prefetch(1, 2);
    queue.read(read);
    CountDownLatch closed = new CountDownLatch(1);
    Thread closing =
        Thread.ofPlatform()
            .start(
                () -> {
                  lane.close();
                  closed.countDown();
                });
    while (closing.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(closed.getCount()).as("the disk still uses a slot").isEqualTo(1);
    go.release(3);
    closed.await();
    queue.settled(settled::add);
    assertThat(read.state()).isEqualTo(DiskJob.State.CANCELLED);
    assertThat(waiting).allMatch(DiskWrite::stored);
    assertThat(settled).hasSize(4);
    assertThat(queue.write(write(4))).isFalse();
    assertThat(queue.read(prefetch(1))).isFalse();
    assertThat(Thread.getAllStackTraces().keySet()).noneMatch(t -> t.getName().equals(THREAD));
  }

  @Test
  void closeEndsALaneThatHasNothingToDo() {
    new DiskLane(queue).close();
    assertThat(Thread.getAllStackTraces().keySet()).noneMatch(t -> t.getName().equals(THREAD));
  }
}
