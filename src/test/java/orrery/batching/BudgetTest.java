package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.batching.View.Item;
import orrery.batching.View.Limits;
import orrery.batching.View.Memory;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * What is set aside in a pool with a window: 5 tokens in pages of 4 slots, so that a sequence holds
 * at most 2 pages at once, or 3 with a margin of 3 slots.
 */
class BudgetTest {
  private static final KvLayout WINDOW = new KvLayout(List.of(new Stream("w", 1, 1, 5, 4)));
  private static final KvGeometry GEOMETRY = new KvGeometry(WINDOW, 4);
  private static final int LONGEST = 40;

  private static View view(int free, int margin, List<Item> running) {
    return view(free, free, margin, running);
  }

  private static View view(int free, int total, int margin, List<Item> running) {
    return new View(
        0,
        List.of(),
        running,
        GEOMETRY,
        new int[] {free},
        new int[] {total},
        0,
        margin,
        new Limits(8, 64),
        new Memory(0, 0));
  }

  /**
   * A waiting sequence with a hit of 8 tokens: the window page before it, idle or held by others.
   */
  private static Item hit(int idle) {
    return item(0, 8, 8, 1, idle, 0);
  }

  private static Item item(int id, int computed, int complete, int first, int idle, int owned) {
    return new Item(
        new Sequence(id, id, 0, new int[4], LONGEST, 0, id, 0, ""),
        computed + 1,
        computed,
        complete,
        computed,
        0,
        new int[] {first},
        new int[] {idle},
        new int[] {owned},
        false);
  }

  private static int admissions(int free, int margin, Item... waiting) {
    Budget budget = new Budget(view(free, margin, List.of()));
    int admitted = 0;
    for (Item item : waiting) {
      if (!budget.admitsExpected(item, LONGEST)) {
        break;
      }
      budget.reserveWaiting(item, LONGEST);
      admitted++;
    }
    return admitted;
  }

  @Test
  void aLongSequenceIsExpectedToHoldItsWindowAndTheMarginOnly() {
    assertThat(admissions(4, 0, item(0, 0, 0, 0, 0, 0), item(1, 0, 0, 0, 0, 0))).isEqualTo(2);
    assertThat(admissions(3, 0, item(0, 0, 0, 0, 0, 0), item(1, 0, 0, 0, 0, 0))).isEqualTo(1);
    assertThat(admissions(5, 3, item(0, 0, 0, 0, 0, 0), item(1, 0, 0, 0, 0, 0))).isEqualTo(1);
    assertThat(admissions(6, 3, item(0, 0, 0, 0, 0, 0), item(1, 0, 0, 0, 0, 0))).isEqualTo(2);
  }

  @Test
  void theIdlePagesOfAHitArePartOfTheWindow() {
    assertThat(admissions(2, 0, hit(1))).isEqualTo(1);
    assertThat(admissions(1, 0, hit(1))).isZero();
  }

  /** They pass the page at different times, and it is free only after the last of them. */
  @Test
  void twoSequencesThatTakeTheSameIdlePageEachNeedAWindowBesideIt() {
    assertThat(admissions(5, 0, hit(1), hit(1))).isEqualTo(2);
    assertThat(admissions(4, 0, hit(1), hit(1))).isEqualTo(1);
  }

  /**
   * The page of the hit is held by a running sequence, which will not give it back when it passes.
   */
  @Test
  void aHitOnAPageOfARunningSequenceCostsThatPage() {
    assertThat(admissions(3, 0, hit(0))).isEqualTo(1);
    assertThat(admissions(2, 0, hit(0))).isZero();
  }

  @Test
  void aForkCostsItsWindowAndThePagesThatItsParentGivesBackLater() {
    // The parent has 9 tokens in pages 1 and 2, and owns both: it needs no more.
    Item parent = item(0, 9, 9, 1, 0, 2);
    assertThat(Budget.allCanFinish(view(3, 0, List.of(parent)), parent)).isTrue();
    assertThat(Budget.allCanFinish(view(2, 0, List.of(parent)), parent)).isFalse();
    // Behind a hit that needed nothing the parent has page 2 only: the fork shares no page.
    Item behindHit = item(0, 9, 9, 2, 0, 1);
    assertThat(Budget.allCanFinish(view(3, 0, List.of(behindHit)), behindHit)).isTrue();
    assertThat(Budget.allCanFinish(view(2, 0, List.of(behindHit)), behindHit)).isFalse();
    // No block has all its rows: the fork copies what the parent has.
    Item lags = item(0, 9, 3, 0, 0, 3);
    assertThat(Budget.allCanFinish(view(5, 6, List.of(lags)), lags)).isTrue();
    assertThat(Budget.allCanFinish(view(4, 6, List.of(lags)), lags)).isFalse();
  }

  @Test
  void theLastSequenceIsLeftAllPagesThatItDoesNotHold() {
    List<Item> running = List.of(item(0, 9, 9, 2, 0, 0), item(1, 4, 4, 0, 0, 1));
    PlanBuilder plan = new PlanBuilder(view(0, 10, 0, running));
    plan.retract(running.getLast());
    assertThat(plan.budget.mostRows(running.getFirst(), 64)).isEqualTo(9 * 4 + 3);
  }
}
