package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.batching.View.Item;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * When a decode engine gives pages to a request, by numbers made by hand: pages of 4 slots. Each
 * test names the least number of free pages with which the request gets its own.
 */
class DecodeAdmissionPagesTest {
  private static final KvGeometry ONE =
      new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), 4);

  /** The second pool has a window of 8. With a margin of 1 it lies in at most 3 pages. */
  private static final KvGeometry WINDOW =
      new KvGeometry(
          new KvLayout(List.of(Stream.whole("key", 1), new Stream("raw", 1, 1, 8, 7))), 4);

  private static final Item A = item(18, 20, 40, 5); // 5 of 10 pages
  private static final Item B = item(6, 8, 24, 2); // 2 of 6 pages
  private static final Sequence SMALL = sequence(12, 16); // 3 pages of prompt, 4 in all
  private static final Sequence LARGE = sequence(12, 60); // 3 pages of prompt, 15 in all

  private static Sequence sequence(int prompt, int longest) {
    return new Sequence(1, 1, 0, new int[prompt], longest, 0, 1, 0, "");
  }

  /**
   * @param owned [pools] pages that come back if it is retracted
   */
  private static Item item(int known, int held, int longest, int... owned) {
    int[] none = new int[owned.length];
    Sequence s = sequence(known, longest);
    return new Item(s, known, known, known, held, 0, none, none, owned, false);
  }

  /** The least number of free pages of the last pool; the others have enough. */
  private static int least(
      KvGeometry g, List<Item> running, List<Item> held, Sequence s, int ahead, int reserve) {
    for (int free = 0; free < 1_000; free++) {
      int[] all = g.pools() == 1 ? new int[] {free} : new int[] {10_000, free}; // [pools]
      if (new DecodeAdmission(g, all, ahead, 1, reserve).admits(running, held, s)) {
        return free;
      }
    }
    throw new AssertionError("refused with 999 free pages");
  }

  private static int least(List<Item> running, List<Item> held, Sequence s, int reserve) {
    return least(ONE, running, held, s, 0, reserve);
  }

  @Test
  void anEmptyEngineGivesPagesToWhateverItCouldAnswer() {
    assertThat(least(List.of(), List.of(), SMALL, 8)).as("its whole length").isEqualTo(4);
    assertThat(least(List.of(), List.of(), LARGE, 8)).isEqualTo(15);
    assertThat(least(List.of(), List.of(), LARGE, 0)).isEqualTo(15);
  }

  @Test
  void whatAllNeedSoonIsSetAside() {
    // A grows from 20 to 18 + 8 slots: 2 pages; B from 8 to 6 + 8: 2 pages; SMALL takes 4
    assertThat(least(List.of(A, B), List.of(), SMALL, 8)).isEqualTo(2 + 2 + 4);
  }

  @Test
  void whatOneNeedsToEndWhenTheOthersAreRetractedIsSetAside() {
    // A to its end: 5 pages, and nobody else is there to be retracted
    assertThat(least(List.of(A), List.of(), SMALL, 8)).isEqualTo(5 + 4);
    // with B, whose 2 pages would come back; without reserve nobody needs a page soon
    assertThat(least(List.of(A, B), List.of(), SMALL, 0)).isEqualTo(5 - 2 + 3);
  }

  @Test
  void aRequestMustFitWhenAllThatRunAreRetracted() {
    // LARGE takes 5 pages soon, and 15 in all, of which 7 are those of A and B
    assertThat(least(List.of(A, B), List.of(), LARGE, 8)).isEqualTo(2 + 2 + 15 - 7);
  }

  /** A thread may be writing to pages of held sequences. */
  @Test
  void pagesOfHeldSequencesDoNotComeBackByRetraction() {
    assertThat(least(List.of(B), List.of(), LARGE, 8)).isEqualTo(4 + 15 - 2);
    assertThat(least(List.of(), List.of(B), LARGE, 8)).isEqualTo(4 + 15);
    assertThat(least(List.of(A), List.of(B), SMALL, 8)).as("A cannot count on B").isEqualTo(5 + 4);
    assertThat(least(List.of(A, B), List.of(), SMALL, 8)).isEqualTo(4 + 4);
    // a held one that needs 9 pages more than it has, of which A would give 5
    Item long1 = item(6, 8, 44, 2);
    assertThat(least(List.of(A), List.of(long1), SMALL, 0)).isEqualTo(Math.max(5, 9 - 5) + 3);
    Item long2 = item(6, 8, 60, 2);
    assertThat(least(List.of(A), List.of(long2), SMALL, 0)).isEqualTo(13 - 5 + 3);
  }

  @Test
  void reservedTokensNeverReachBeyondTheEnd() {
    assertThat(least(List.of(A, B), List.of(), SMALL, 0)).isEqualTo(3 + 3);
    assertThat(least(List.of(A, B), List.of(), SMALL, 4)).isEqualTo(3 + 4);
    assertThat(least(List.of(A, B), List.of(), SMALL, 512)).isEqualTo(5 + 4 + 4);
    assertThat(least(List.of(A, B), List.of(), SMALL, Integer.MAX_VALUE)).isEqualTo(5 + 4 + 4);
  }

  /** The slot of the newest token is taken together with those of the prompt. */
  @Test
  void slotsAheadAreTakenAtOnceEvenWithoutReserve() {
    assertThat(least(ONE, List.of(A, B), List.of(), SMALL, 0, 0)).isEqualTo(3 + 3);
    assertThat(least(ONE, List.of(A, B), List.of(), SMALL, 1, 0)).isEqualTo(3 + 4);
    Item full = item(20, 20, 40, 5);
    Item other = item(20, 20, 40, 5); // each needs a page for one slot more; alone: 5 - 5
    assertThat(least(ONE, List.of(full, other), List.of(), SMALL, 0, 0)).isEqualTo(3);
    assertThat(least(ONE, List.of(full, other), List.of(), SMALL, 1, 0)).isEqualTo(1 + 1 + 4);
  }

  @Test
  void aPoolWithAWindowNeverNeedsMoreThanTheWindow() {
    Sequence endless = sequence(12, 4_000);
    assertThat(least(WINDOW, List.of(), List.of(), endless, 0, 512)).isEqualTo(3);
    Item whole = item(100, 100, 4_000, 25, 3); // has its window
    assertThat(least(WINDOW, List.of(whole), List.of(), endless, 0, 512)).isEqualTo(3);
    Item shares = item(100, 100, 4_000, 25, 1); // two of its pages are others', too
    assertThat(least(WINDOW, List.of(shares), List.of(), endless, 0, 512)).isEqualTo(2 + 3);
    assertThat(least(WINDOW, List.of(), List.of(shares), endless, 0, 512)).isEqualTo(2 + 3);
    Item tail = item(4_000, 4_000, 4_000, 1_000, 2); // at its end
    assertThat(least(WINDOW, List.of(tail), List.of(), endless, 0, 512)).isEqualTo(3);
  }

  @Test
  void everyPoolMustHaveRoom() {
    Sequence endless = sequence(12, 400);
    int[][] short1 = {{99, 3}, {100, 2}}; // [cases][pools]
    for (int[] free : short1) {
      assertThat(new DecodeAdmission(WINDOW, free, 0, 1, 8).admits(List.of(), List.of(), endless))
          .isFalse();
    }
    assertThat(
            new DecodeAdmission(WINDOW, new int[] {100, 3}, 0, 1, 8)
                .admits(List.of(), List.of(), endless))
        .isTrue();
  }
}
