package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;

/** What is stored and loaded again has every bit, and nothing beside it changes. */
class PageCopierTest {
  static Stream<KvLayout> layouts() {
    return Stream.concat(
        Stream.of(KvDtype.values()).map(Kept::everyKind),
        Stream.of(TinyModels.specks(), TinyModels.v4Specks())
            .flatMap(List::stream)
            .flatMap(m -> Stream.of(KvDtype.values()).map(dtype -> Kept.of(m, dtype))));
  }

  private static Kept kept(KvLayout layout, int blocks) {
    int page = layout.wholeRows(8);
    return new Kept(layout, page, blocks, (blocks + 1) * page);
  }

  private static List<IntBuffer> everything(Kept kept) {
    List<IntBuffer> bits = new ArrayList<>();
    for (int s = 0; s < kept.cache.layout().streams().size(); s++) {
      for (int page = 0; page < kept.cache.pool(kept.cache.layout().poolOf(s)).total(); page++) {
        bits.add(IntBuffer.wrap(kept.bits(s, page)));
      }
    }
    return bits;
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void everyBitComesBackAndNoOtherPageChanges(KvLayout layout) {
    try (Kept kept = kept(layout, 3)) {
      InlineMover mover = new InlineMover(kept.cache, kept.host);
      kept.fill(5);
      List<IntBuffer> before = everything(kept);
      kept.copies(Copy.Way.STORE).forEach(mover::store);
      assertThat(everything(kept)).as("a store only reads").isEqualTo(before);
      kept.poison();
      assertThat(everything(kept)).isNotEqualTo(before);
      mover.load(kept.copies(Copy.Way.LOAD));
      assertThat(everything(kept)).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void anotherSequenceGetsTheSamePagesInOtherPlaces(KvLayout layout) {
    try (Kept kept = kept(layout, 1)) {
      InlineMover mover = new InlineMover(kept.cache, kept.host);
      kept.fill(6);
      for (Copy store : kept.copies(Copy.Way.STORE)) {
        mover.store(store);
        int pool = store.part().pool();
        int[] other = store.pages();
        int[] there = new int[other.length];
        for (int i = 0; i < there.length; i++) {
          there[i] = kept.cache.pool(pool).take();
        }
        mover.load(List.of(new Copy(Copy.Way.LOAD, store.part(), store.slot(), there)));
        for (int stream : kept.host.layout().streams(pool)) {
          for (int i = 0; i < there.length; i++) {
            assertThat(kept.bits(stream, there[i])).isEqualTo(kept.bits(stream, other[i]));
          }
        }
      }
    }
  }

  @Test
  void aLoadMayLeavePagesOut() {
    KvLayout layout =
        new KvLayout(
            List.of(
                orrery.kv.Stream.whole("key", 6),
                new orrery.kv.Stream("window", 5, 1, 40, 31, KvDtype.BF16.format(1, 0))));
    try (Kept kept = new Kept(layout, 32, 1, 64)) {
      InlineMover mover = new InlineMover(kept.cache, kept.host);
      kept.fill(7);
      List<IntBuffer> before = everything(kept);
      Copy store = kept.copies(Copy.Way.STORE).getLast(); // of the window, in several pages
      assertThat(store.pages()).hasSizeGreaterThan(1).doesNotContain(Copy.NO_PAGE);
      mover.store(store);
      int[] some = store.pages().clone();
      kept.poison();
      List<IntBuffer> poisoned = everything(kept);
      some[0] = Copy.NO_PAGE;
      Copy load = new Copy(Copy.Way.LOAD, store.part(), store.slot(), some);
      mover.load(List.of(load));
      List<IntBuffer> after = everything(kept);
      int at = 0;
      for (int s = 0; s < layout.streams().size(); s++) {
        int pool = layout.poolOf(s);
        for (int page = 0; page < kept.cache.pool(pool).total(); page++, at++) {
          boolean loaded = pool == store.part().pool() && isIn(some, page);
          assertThat(after.get(at)).isEqualTo((loaded ? before : poisoned).get(at));
        }
      }
      PageCopier copier = new PageCopier(kept.cache, kept.host);
      assertThat(copier.bytes(store)).isEqualTo(kept.host.layout().bytes(store.part().pool()));
      assertThat(copier.bytes(load)).isLessThan(copier.bytes(store)).isPositive();
    }
  }

  private static boolean isIn(int[] pages, int page) {
    for (int p : pages) {
      if (p == page && p != Copy.NO_PAGE) {
        return true;
      }
    }
    return false;
  }

  @ParameterizedTest
  @EnumSource
  void theRowsOfAPageComeFirstAndTheOthersInTheOrderOfTheLayout(KvDtype dtype) {
    try (Kept kept = kept(Kept.everyKind(dtype), 1)) {
      assertThat(new PageCopier(kept.cache, kept.host).order()).containsExactly(4, 0, 1, 2, 3);
    }
  }
}
