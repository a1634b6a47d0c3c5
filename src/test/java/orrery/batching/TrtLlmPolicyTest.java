package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.batching.StepPlan.Stop;
import orrery.batching.TrtLlmPolicy.Capacity;

/** TensorRT-LLM's own rules, each in one small step. */
class TrtLlmPolicyTest {
  private static final TrtLlmPolicy GUARANTEED = new TrtLlmPolicy(Capacity.GUARANTEED_NO_EVICT);
  private static final TrtLlmPolicy MOST = new TrtLlmPolicy(Capacity.MAX_UTILIZATION);

  @Test
  void guaranteedNoEvictAdmitsOnlyASequenceThatFitsBesideAllThatOthersMayUse() {
    // The running sequence holds 2 pages and may need 4; the waiting one may need 4.
    Situation s = new Situation().decodes(1, 6, 1, 10).waits(2, 8, 8);
    assertThat(Situation.ids(GUARANTEED.plan(s.free(6).view()).admit())).containsExactly(2);
    StepPlan refused = GUARANTEED.plan(s.free(5).view());
    assertThat(Situation.ids(refused.admit())).isEmpty();
    assertThat(refused.stop()).isEqualTo(Stop.NO_PAGES);
    assertThat(Situation.rows(refused)).isEqualTo("1:1");
    assertThat(Situation.ids(MOST.plan(s.free(5).view()).admit())).containsExactly(2);
  }

  @Test
  void maxUtilizationPausesTheLastStarted() {
    Situation s = new Situation().free(0).decodes(1, 4, 1, 9).decodes(2, 4, 1, 9);
    StepPlan plan = MOST.plan(s.view());
    assertThat(Situation.ids(plan.retract())).containsExactly(2);
    assertThat(Situation.rows(plan)).isEqualTo("1:1");
  }

  @Test
  void decodingRowsComeFirstAndPromptChunksAreWholePages() {
    Situation s = new Situation().chunk(12).decodes(1, 4, 1, 4).reads(2, 20, 4, 4).waits(3, 3, 4);
    // 11 of 12 rows are left: 8 for the long prompt, then all 3 of the short one.
    assertThat(Situation.rows(GUARANTEED.plan(s.view()))).isEqualTo("1:1 2:8 3:3");
    s.chunk(4); // 3 rows are left, less than a page
    assertThat(Situation.rows(GUARANTEED.plan(s.view()))).isEqualTo("1:1 3:3");
  }

  @Test
  void aForkThatMightNotFinishWaits() {
    Situation s = new Situation().decodes(1, 6, 1, 10);
    View.Item parent = s.view().running().getFirst();
    // The parent needs 2 pages to grow, the fork 3: one for the partial page and two to grow.
    assertThat(GUARANTEED.mayFork(s.free(5)::view, () -> parent)).isTrue();
    assertThat(GUARANTEED.mayFork(s.free(4)::view, () -> parent)).isFalse();
    assertThat(MOST.mayFork(s.free(0)::view, () -> parent)).isTrue();
  }
}
