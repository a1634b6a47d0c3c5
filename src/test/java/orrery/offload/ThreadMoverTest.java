package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.kv.Arrival;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;

/** What the mover's thread does, with pieces that the test holds back. */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ThreadMoverTest {
  private static final int KEY = 0; // streams of the layout, in its order
  private static final int ENTRIES = 3;
  private static final KvLayout LAYOUT = Kept.everyKind(KvDtype.FP8);

  private final Kept kept = new Kept(LAYOUT, 8, 3, 32);
  private final HeldBack copier = new HeldBack(kept);
  private final AtomicLong clock = new AtomicLong(100);
  private final ThreadMover mover = new ThreadMover(copier, 4, clock::incrementAndGet);

  @AfterEach
  void close() {
    mover.close();
    kept.close();
  }

  private List<Copy> stored() {
    kept.fill(3);
    List<Copy> stores = kept.copies(Copy.Way.STORE);
    for (Copy store : stores) {
      mover.store(store);
      mover.finish(store);
    }
    assertThat(settled()).containsExactlyInAnyOrderElementsOf(stores);
    return stores;
  }

  private List<Copy> settled() {
    List<Copy> all = new ArrayList<>();
    mover.settled(all::add);
    return all;
  }

  /** Waits for what another thread does. */
  private static void until(BooleanSupplier holds) {
    while (!holds.getAsBoolean()) {
      Thread.onSpinWait();
    }
  }

  private List<IntBuffer> bits() {
    List<IntBuffer> all = new ArrayList<>();
    for (Copy copy : kept.copies(Copy.Way.LOAD)) {
      for (int stream : kept.host.layout().streams(copy.part().pool())) {
        for (int page : copy.pages()) {
          all.add(IntBuffer.wrap(kept.bits(stream, page)));
        }
      }
    }
    return all;
  }

  @Test
  void storesAndLoadsComeBackAsMessagesAndEveryBitIsThere() {
    kept.fill(4);
    List<IntBuffer> before = bits();
    List<Copy> stores = kept.copies(Copy.Way.STORE);
    List<Copy> ended = new ArrayList<>();
    for (Copy store : stores) {
      until(() -> mover.store(store)); // four may wait
    }
    until(
        () -> {
          mover.settled(ended::add);
          return ended.size() == stores.size();
        });
    assertThat(ended).containsExactlyElementsOf(stores);
    kept.poison();
    List<Copy> loads = kept.copies(Copy.Way.LOAD);
    Arrival arrival = mover.load(loads);
    arrival.await(Arrival.EVERY_STREAM);
    assertThat(bits()).isEqualTo(before);
    assertThat(settled()).containsExactlyInAnyOrderElementsOf(loads);
    for (Copy copy : loads) {
      assertThat(copy.state()).isEqualTo(Copy.State.DONE);
      assertThat(copy.ended()).isGreaterThan(copy.began()).isGreaterThan(100);
      assertThat(copy.taken()).isZero();
    }
  }

  @Test
  void aLoadWaitsForOnePieceOfAStoreAndNotForItsRest() {
    List<Copy> stores = stored();
    copier.hold(KEY);
    Copy store = copyOf(stores.getFirst());
    assertThat(mover.store(store)).isTrue();
    until(() -> copier.latest() != null && copier.latest().copy() == store);
    Arrival load = mover.load(kept.copies(Copy.Way.LOAD));
    copier.hold(ENTRIES); // the next piece of the store would stop here, and so does the load's
    copier.letGo(KEY);
    load.await(2); // all pieces of streams before the entries
    assertThat(store.state()).isEqualTo(Copy.State.COPYING);
    copier.letGo(ENTRIES);
    load.await(Arrival.EVERY_STREAM);
    until(() -> store.state() == Copy.State.DONE);
  }

  private static Copy copyOf(Copy c) {
    return new Copy(c.way(), c.part(), c.slot(), c.pages());
  }

  @Test
  void streamsComeInTheirOrderOverAllParts() {
    stored();
    for (int stream = 0; stream <= ENTRIES; stream++) {
      copier.hold(stream);
    }
    Arrival load = mover.load(kept.copies(Copy.Way.LOAD));
    for (int stream = 0; stream <= ENTRIES; stream++) {
      int s = stream;
      CompletableFuture<Void> waits = CompletableFuture.runAsync(() -> load.await(s));
      until(() -> copier.holds(s));
      assertThat(waits).as("stream %d is held back", s).isNotDone();
      copier.letGo(s);
      waits.join();
    }
    load.await(Arrival.EVERY_STREAM);
    assertThat(load.waitedNanos()).isPositive();
  }

  @Test
  void theRowsOfPagesAreThereWhenTheLoadBegins() {
    stored();
    kept.poison();
    copier.hold(KEY);
    mover.load(kept.copies(Copy.Way.LOAD));
    Copy load = kept.copies(Copy.Way.LOAD).getFirst();
    for (int page : load.pages()) {
      assertThat(kept.bits(4, page)).doesNotContain(Float.floatToIntBits(Float.NaN));
      assertThat(kept.bits(KEY, page)).containsOnly(Float.floatToIntBits(Float.NaN));
    }
    copier.letGo(KEY);
  }

  @Test
  void timeIsMeasuredForTheStreamThatWasWaitedFor() {
    stored();
    copier.hold(ENTRIES);
    Load load = (Load) mover.load(kept.copies(Copy.Way.LOAD));
    until(() -> copier.holds(ENTRIES));
    load.await(2);
    assertThat(load.waitedNanos()).as("it was there").isZero();
    CompletableFuture<Void> waits = CompletableFuture.runAsync(() -> load.await(ENTRIES));
    copier.letGo(ENTRIES);
    waits.join();
    load.await(ENTRIES);
    assertThat(load.waitedNanos(2)).isZero();
    assertThat(load.waitedNanos(ENTRIES)).isEqualTo(load.waitedNanos());
  }

  @Test
  void moreStoresThanMayWaitAreRefusedAndNothingHappensToThem() {
    kept.fill(3);
    copier.hold(KEY);
    List<Copy> stores = kept.copies(Copy.Way.STORE);
    List<Copy> taken = new ArrayList<>();
    List<Copy> refused = new ArrayList<>();
    for (Copy store : stores) {
      (mover.store(store) ? taken : refused).add(store);
    }
    assertThat(taken).hasSize(4);
    assertThat(refused).isNotEmpty().allMatch(c -> c.state() == Copy.State.WAITING);
    copier.letGo(KEY);
    until(() -> taken.stream().allMatch(c -> c.state() == Copy.State.DONE));
    assertThat(mover.store(refused.getFirst())).as("there is room again").isTrue();
    assertThat(mover.finish(refused.getFirst())).isTrue();
  }

  @Test
  void aStoreThatWaitsIsMadeByTheThreadThatNeedsIt() {
    kept.fill(3);
    copier.hold(KEY);
    List<Copy> stores = kept.copies(Copy.Way.STORE);
    mover.store(stores.get(0));
    until(() -> copier.latest() != null);
    Copy window = stores.get(1); // without the stream that is held back
    mover.store(window);
    assertThat(mover.finish(window)).isTrue();
    assertThat(window.state()).isEqualTo(Copy.State.DONE);
    assertThat(window.taken()).isEqualTo(kept.host.layout().streams(1).length);
    assertThat(copier.by()).isEqualTo(Thread.currentThread());
    assertThat(settled()).containsExactly(window);
    copier.letGo(KEY);
  }

  @Test
  void theRestOfAStoreIsMadeByTheThreadThatNeedsIt() {
    kept.fill(3);
    copier.hold(KEY);
    Copy store = kept.copies(Copy.Way.STORE).getFirst();
    mover.store(store);
    until(() -> copier.latest() != null && copier.latest().stream() == KEY);
    CompletableFuture<Boolean> finished = CompletableFuture.supplyAsync(() -> mover.finish(store));
    copier.letGo(KEY);
    assertThat(finished.join()).isTrue();
    assertThat(mover.finish(store)).as("it has ended").isTrue();
    assertThat(settled()).containsExactly(store);
  }

  @Test
  void aCancelledStoreEndsAtItsNextPieceAndAnotherOneGoesOn() {
    kept.fill(3);
    copier.hold(ENTRIES);
    List<Copy> stores = kept.copies(Copy.Way.STORE);
    mover.store(stores.get(0));
    mover.store(stores.get(1));
    mover.store(stores.get(2));
    until(() -> copier.latest() != null && copier.latest().stream() == ENTRIES);
    mover.cancel(stores.get(2)); // it waits
    assertThat(stores.get(2).state()).isEqualTo(Copy.State.CANCELLED);
    CompletableFuture<Void> cancelled =
        CompletableFuture.runAsync(() -> mover.cancel(stores.get(0)));
    copier.letGo(ENTRIES);
    cancelled.join();
    assertThat(stores.get(0).state()).isIn(Copy.State.CANCELLED, Copy.State.DONE);
    List<Copy> ended = new ArrayList<>();
    until(
        () -> { // a copy says that it is done a moment before its message comes
          mover.settled(ended::add);
          return ended.size() == 3;
        });
    assertThat(stores.get(1).state()).isEqualTo(Copy.State.DONE);
    assertThat(mover.finish(stores.get(2))).as("it never was whole").isFalse();
    assertThat(ended).containsExactlyInAnyOrder(stores.get(0), stores.get(1), stores.get(2));
  }

  @Test
  void aStoreThatFailsSaysWhyAndTheNextOnesAreMade() {
    kept.fill(3);
    List<Copy> stores = kept.copies(Copy.Way.STORE);
    copier.failIf(piece -> piece.copy() == stores.get(0));
    mover.store(stores.get(0));
    mover.store(stores.get(2));
    until(() -> stores.get(2).state() == Copy.State.DONE);
    assertThat(stores.get(0).state()).isEqualTo(Copy.State.FAILED);
    assertThat(stores.get(0).failure()).hasMessage("a copy that fails");
    assertThat(mover.finish(stores.get(0))).isFalse();
    copier.failIf(piece -> true);
    mover.store(stores.get(4));
    assertThat(mover.finish(stores.get(4))).as("nor does it throw").isFalse();
  }

  @Test
  void whatTheMoverCannotLoadTheThreadThatWaitsLoads() {
    kept.fill(3);
    List<IntBuffer> before = bits();
    stored();
    kept.fill(3);
    kept.poison();
    Thread test = Thread.currentThread();
    for (int stream = 0; stream <= ENTRIES; stream++) {
      int s = stream;
      kept.poison();
      copier.failIf(p -> p.stream() == s && Thread.currentThread() != test);
      List<Copy> loads = kept.copies(Copy.Way.LOAD);
      Arrival load = mover.load(loads);
      load.await(s);
      load.await(Arrival.EVERY_STREAM);
      assertThat(bits()).isEqualTo(before);
      assertThat(loads).allMatch(c -> c.state() == Copy.State.DONE);
      assertThat(loads.stream().mapToInt(Copy::taken).sum()).isPositive();
      assertThat(settled()).containsExactlyInAnyOrderElementsOf(loads);
    }
  }

  @Test
  void aLoadThatNobodyCanMakeIsAnErrorForWhoeverWaitsAndNoLoadBehindItIsLost() {
    stored();
    List<Copy> bad = kept.copies(Copy.Way.LOAD);
    copier.failIf(p -> p.stream() == 2 && bad.contains(p.copy()));
    Arrival first = mover.load(bad);
    Arrival second = mover.load(kept.copies(Copy.Way.LOAD));
    second.await(Arrival.EVERY_STREAM);
    first.await(1);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> first.await(2))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("pages from host memory could not be loaded")
          .hasRootCauseMessage("a copy that fails");
    }
    assertThat(bad).anyMatch(c -> c.state() == Copy.State.FAILED);
    assertThat(bad).allMatch(c -> c.state().ended());
    assertThat(settled()).containsAll(bad);
  }

  @Test
  void aClosedMoverLetsNoneWaitAndNothingIsCopiedAnyMore() throws InterruptedException {
    stored();
    copier.hold(KEY);
    List<Copy> loads = kept.copies(Copy.Way.LOAD);
    Arrival load = mover.load(loads);
    until(() -> copier.holds(KEY));
    Copy store = kept.copies(Copy.Way.STORE).getLast();
    mover.store(store);
    Thread closing = Thread.ofPlatform().start(mover::close);
    until(() -> closing.getState() == Thread.State.WAITING); // for the mover's thread
    CompletableFuture<Void> waits =
        CompletableFuture.runAsync(() -> load.await(Arrival.EVERY_STREAM));
    copier.letGo(KEY);
    closing.join();
    assertThatThrownBy(waits::join).hasRootCauseMessage("the mover was closed");
    assertThat(store.state()).isEqualTo(Copy.State.CANCELLED);
    assertThat(loads).anyMatch(c -> c.state() == Copy.State.CANCELLED);
    assertThatThrownBy(() -> mover.store(store))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a closed mover copies nothing");
    mover.close();
  }

  @Test
  void aCopyThatNoMoverWasAskedForCannotBeFinished() {
    Copy store = kept.copies(Copy.Way.STORE).getFirst();
    assertThatThrownBy(() -> mover.finish(store))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no mover was asked to store " + store.part());
  }
}
