package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.batching.StepPlan.Stop;

/** vLLM's own rules, each in one small step. */
class VllmPolicyTest {
  private static final VllmPolicy POLICY = new VllmPolicy();

  @Test
  void runningSequencesComeFirstAndWaitingOnesGetTheRestOfTheBudget() {
    Situation s = new Situation().chunk(10).decodes(1, 5, 2, 9).reads(2, 9, 4, 9).waits(3, 20, 4);
    StepPlan plan = POLICY.plan(s.view());
    assertThat(Situation.rows(plan)).isEqualTo("1:1 2:5 3:4"); // cut anywhere, not at a page
    assertThat(Situation.ids(plan.admit())).containsExactly(3);
    StepPlan full = POLICY.plan(s.waits(4, 3, 3).view());
    assertThat(full.stop()).isEqualTo(Stop.CHUNK_FULL);
  }

  @Test
  void theBudgetCountsDecodingRowsToo() {
    StepPlan plan = POLICY.plan(new Situation().chunk(1).decodes(1, 5, 2, 9).waits(2, 5, 4).view());
    assertThat(Situation.rows(plan)).isEqualTo("1:1");
    assertThat(Situation.ids(plan.admit())).isEmpty();
  }

  @Test
  void onlyThePagesOfThisStepsChunkMustBeFree() {
    StepPlan plan = POLICY.plan(new Situation().free(2).waits(1, 8, 1_000).view());
    assertThat(Situation.rows(plan)).isEqualTo("1:8");
    StepPlan refused =
        POLICY.plan(new Situation().decodes(1, 5, 2, 9).free(1).waits(2, 8, 4).view());
    assertThat(refused.stop()).isEqualTo(Stop.NO_PAGES);
    assertThat(Situation.ids(refused.admit())).isEmpty();
  }

  @Test
  void theLastAdmittedIsPreemptedAndNoSequenceIsAdmittedInThatStep() {
    Situation s =
        new Situation()
            .free(0)
            .decodes(1, 4, 1, 9) // stands at a page's end, so it needs a page
            .decodes(2, 4, 2, 9) // has room
            .decodes(3, 3, 1, 9) // has room, but was admitted last
            .waits(4, 1, 1);
    StepPlan plan = POLICY.plan(s.view());
    assertThat(Situation.ids(plan.retract())).containsExactly(3);
    assertThat(Situation.rows(plan)).isEqualTo("1:1 2:1");
    assertThat(Situation.ids(plan.admit())).isEmpty();
    assertThat(plan.stop()).isEqualTo(Stop.DECODE_FIRST);
  }

  @Test
  void noMoreSequencesArePreemptedThanNecessary() {
    Situation s =
        new Situation().free(1).decodes(1, 4, 1, 9).decodes(2, 4, 1, 9).decodes(3, 4, 1, 9);
    StepPlan plan = POLICY.plan(s.view());
    assertThat(Situation.ids(plan.retract())).containsExactly(3);
    assertThat(Situation.rows(plan)).isEqualTo("1:1 2:1");
  }

  @Test
  void theLastSequenceTakesTheRowsThatFitWhenNoOtherIsLeftToPreempt() {
    StepPlan plan = POLICY.plan(new Situation().free(1).reads(1, 20, 4, 4).view());
    assertThat(Situation.ids(plan.retract())).isEmpty();
    assertThat(Situation.rows(plan)).isEqualTo("1:4");
  }
}
