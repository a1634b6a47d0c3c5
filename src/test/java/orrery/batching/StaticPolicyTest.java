package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.batching.StepPlan.Stop;

/** Static batching's own rules, each in one small step. */
class StaticPolicyTest {
  private static final StaticPolicy POLICY = new StaticPolicy(50);

  @Test
  void aBatchWaitsUntilItIsFullOrTheOldestHasWaitedLongEnough() {
    Situation s =
        new Situation().maxRunning(3).waits(1, 4, 4).waits(2, 4, 4); // both wait since 0 ms
    StepPlan early = POLICY.plan(s.now(49).view());
    assertThat(Situation.ids(early.admit())).isEmpty();
    assertThat(early.rows()).isEmpty();
    assertThat(early.stop()).isEqualTo(Stop.BATCH);
    assertThat(Situation.ids(POLICY.plan(s.now(50).view()).admit())).containsExactly(1, 2);
    assertThat(Situation.ids(POLICY.plan(s.waits(3, 4, 4).now(0).view()).admit()))
        .containsExactly(1, 2, 3);
  }

  @Test
  void promptsArePaddedToTheLongestAndTheirColumnsEndTogether() {
    Situation s = new Situation().maxRunning(2).chunk(8).waits(1, 3, 4).waits(2, 10, 4);
    StepPlan first = POLICY.plan(s.view());
    assertThat(Situation.rows(first))
        .isEqualTo("2:4"); // columns 0 to 3 of 10; sequence 1 has columns 7 to 9
    assertThat(first.padding()).isEqualTo(4);
    assertThat(Situation.ids(first.admit())).containsExactly(1, 2);
    s = new Situation().maxRunning(2).chunk(8).memory(0, 2).reads(1, 3, 0, 4).reads(2, 10, 4, 4);
    StepPlan second = POLICY.plan(s.view());
    assertThat(Situation.rows(second)).isEqualTo("1:1 2:4");
    assertThat(second.padding()).isEqualTo(3);
  }

  @Test
  void everyStepComputesTheWholeBatchWhileItDrainsAndNoSequenceJoins() {
    Situation three =
        new Situation().memory(0, 3).decodes(1, 4, 1, 9).decodes(2, 4, 1, 9).decodes(3, 4, 1, 9);
    Situation two = new Situation().memory(0, 3).decodes(1, 4, 2, 9).decodes(3, 4, 2, 9);
    Situation one = new Situation().memory(0, 3).decodes(3, 4, 3, 9).waits(4, 4, 4).waits(5, 4, 4);
    int padding = 0;
    for (Situation s : new Situation[] {three, two, one}) {
      StepPlan plan = POLICY.plan(s.view());
      assertThat(plan.rowCount() + plan.padding()).isEqualTo(3);
      assertThat(plan.padding()).isEqualTo(padding++);
      assertThat(Situation.ids(plan.admit())).isEmpty();
      assertThat(plan.stop()).isEqualTo(Stop.BATCH);
      assertThat(plan.memory().batch()).isEqualTo(3);
    }
  }

  @Test
  void otherChoicesMakeTheBatchWider() {
    Situation s = new Situation().memory(0, 1).decodes(1, 4, 1, 9).decodes(2, 4, 1, 9);
    StepPlan plan = POLICY.plan(s.view());
    assertThat(plan.padding()).isZero();
    assertThat(plan.memory().batch()).isEqualTo(2);
  }

  @Test
  void pagesForAllOfMaxTokensAreSetAside() {
    Situation s = new Situation().maxRunning(2).waits(1, 4, 4).waits(2, 4, 4);
    assertThat(Situation.ids(POLICY.plan(s.free(4).view()).admit())).containsExactly(1, 2);
    StepPlan plan = POLICY.plan(s.free(3).view());
    assertThat(Situation.ids(plan.admit())).containsExactly(1);
    assertThat(plan.stop()).isEqualTo(Stop.NO_PAGES);
    View full = new Situation().free(4).decodes(1, 4, 1, 12).view();
    assertThat(POLICY.mayFork(() -> full, full.running()::getFirst)).isFalse();
  }
}
